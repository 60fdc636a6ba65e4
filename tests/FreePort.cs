using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Sluice.Tests;

/// <summary>
/// Ports of the loopback address for the servers of tests. A port belongs to this process until it ends, because it keeps the UDP port of
/// the same number: no two tests get the same one, also in several processes. Clients cannot get one either, because the system gives
/// them ports from 32,768. Any thread may call it.
/// </summary>
internal static class FreePort
{
    private static readonly ConcurrentBag<Socket> Kept = [];

    public static int Next()
    {
        while (true)
        {
            var address = new IPEndPoint(IPAddress.Loopback, Random.Shared.Next(20_000, 32_000));
            var kept = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            try
            {
                kept.Bind(address);
                using var probe = new TcpListener(address);
                probe.Start();
                Kept.Add(kept);
                return address.Port;
            }
            catch (SocketException)
            {
                kept.Dispose();
            }
        }
    }
}
