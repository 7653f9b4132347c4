//! However the bytes arrive, the same calls come out; whatever arrives, nothing breaks.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn any_splitting_gives_the_same_calls(most in 1_usize..200) {
        let play = |most| {
            let mut scene = Scene::new();
            scene.most = most;
            let id = scene.over_tls();
            for (status, body) in [("200 OK", "x"), ("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>")] {
                scene.send(id, &get_object());
                scene.receive(id, &answer(status, body));
            }
            let endpoint = scene.endpoint();
            (scene.lines(), endpoint.name, endpoint.requests, endpoint.decoded)
        };
        prop_assert_eq!(play(most), play(usize::MAX));
    }

    #[test]
    fn records_of_any_kind_never_panic(
        records in proptest::collection::vec(
            (0_u64..4, any::<bool>(), 0_u8..4, any::<bool>(), 0_u64..50, proptest::collection::vec(any::<u8>(), 0..40)), 0..60)
    ) {
        let mut scene = Scene::new();
        for (number, is_tls, what, flag, offset, bytes) in records {
            let id = if is_tls { tls(number) } else { tcp(number) };
            scene.generation = usize::from(flag);
            let transport = [Transport::Tcp, Transport::Udp, Transport::Tls][usize::from(what) % 3];
            match what {
                0 => scene.open(id, transport, "192.0.2.1:53"),
                1 => scene.close(id, offset),
                _ => {
                    let direction = if flag { Direction::Sent } else { Direction::Received };
                    let mut payload = scene.payload(id, direction, transport, &bytes);
                    payload.offset = offset;
                    scene.conversations.payload(&payload);
                }
            }
            if offset == 1 {
                scene.conversations.end_window(usize::from(flag));
            }
        }
        scene.conversations.finish(0);
        scene.conversations.end_window(0);
        scene.conversations.end_window(1);
        prop_assert!(scene.conversations.live.is_empty());
        prop_assert_eq!(scene.conversations.held_bytes, 0);
    }
}
