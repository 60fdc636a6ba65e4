using System.Net;
using System.Net.Sockets;

namespace Sluice.Redis.Tests;

/// <summary>
/// A proxy between a store and its server that behaves like a bad network: it delays bytes, cuts connections in the middle of a message,
/// and closes single directions. A seed determines its faults. After a number of cuts it passes everything.
/// </summary>
internal sealed class UnreliableProxy : IAsyncDisposable
{
    private const int LongestDelayMilliseconds = 15;

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource end = new();
    private readonly Lock sync = new();
    private readonly Random random;
    private readonly int port, mostCuts;
    private readonly Task accepting;
    private int untilNext;

    /// <param name="port">The port of the server.</param>
    /// <param name="seed">Determines the faults.</param>
    /// <param name="mostCuts">The number of connections that are cut or half closed.</param>
    public UnreliableProxy(int port, int seed, int mostCuts)
    {
        (this.port, this.mostCuts, random) = (port, mostCuts, new(seed));
        untilNext = random.Next(1, 60);
        listener.Start();
        accepting = AcceptAsync();
    }

    public string Address => $"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";

    /// <summary>The number of connections that were cut in both directions.</summary>
    public int Cuts { get; private set; }

    /// <summary>The number of connections that were closed towards the server only.</summary>
    public int ClosedToServer { get; private set; }

    /// <summary>
    /// The number of connections that were closed towards the store only: the server executes requests, but the answers are lost.
    /// </summary>
    public int ClosedToStore { get; private set; }

    public int Delays { get; private set; }

    /// <summary>The number of connections with a fault.</summary>
    public int Disturbed => Cuts + ClosedToServer + ClosedToStore;

    public override string ToString()
        => $"{Cuts} cut, {ClosedToServer} closed to the server, {ClosedToStore} to the store, {Delays} delays";

    public async ValueTask DisposeAsync()
    {
        await end.CancelAsync();
        await accepting;                             // first the loop ends, then the listener stops: a stopped listener throws
        listener.Stop();
        end.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> relays = [];
        try
        {
            while (true) relays.Add(RelayAsync(await listener.AcceptSocketAsync(end.Token)));
        }
        catch (Exception stopped) when (stopped is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(relays);
        }
    }

    private async Task RelayAsync(Socket client)
    {
        using Socket store = client, server = new(SocketType.Stream, ProtocolType.Tcp);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(end.Token);
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, port, end.Token);
            await Task.WhenAll(CopyAsync(store, server, isToServer: true, both), CopyAsync(server, store, isToServer: false, both));
        }
        catch (Exception gone) when (gone is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The server has gone, or the test has ended.
        }
    }

    /// <summary>Relays bytes from one side to the other. Never throws.</summary>
    private async Task CopyAsync(Socket from, Socket to, bool isToServer, CancellationTokenSource both)
    {
        byte[] buffer = new byte[1 << 16];
        bool isClosed = false;
        try
        {
            while (await from.ReceiveAsync(buffer, both.Token) is > 0 and var read)
            {
                if (isClosed) continue;              // the receiver is gone, but the sender does not know it
                Disturbance next = Next(read, isToServer);
                if (next.Delay > TimeSpan.Zero) await Task.Delay(next.Delay, both.Token);
                for (int sent = 0; sent < next.Passed;) sent += await to.SendAsync(buffer.AsMemory(sent, next.Passed - sent), both.Token);
                if (next.Kind == Kind.HalfClose)
                {
                    to.Shutdown(SocketShutdown.Send);
                    isClosed = true;
                }
                if (next.Kind != Kind.Cut) continue;
                // a reset instead of an orderly end
                if (next.IsAbrupt) (from.LingerState, to.LingerState) = (new(true, 0), new(true, 0));
                await both.CancelAsync();
                return;
            }
            if (!isClosed) to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception gone) when (gone is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            await both.CancelAsync();
        }
    }

    private enum Kind
    {
        Pass,
        Cut,
        HalfClose,
    }

    /// <param name="Kind">The fault after the relayed bytes.</param>
    /// <param name="Delay">The delay before the bytes.</param>
    /// <param name="Passed">The number of bytes that are relayed.</param>
    /// <param name="IsAbrupt">Whether a cut is a reset.</param>
    private readonly record struct Disturbance(Kind Kind, TimeSpan Delay, int Passed, bool IsAbrupt = false);

    private Disturbance Next(int bytes, bool isToServer)
    {
        lock (sync)
        {
            if (Disturbed == mostCuts) return new(Kind.Pass, default, bytes);
            TimeSpan delay = random.Next(12) == 0 ? TimeSpan.FromMilliseconds(random.Next(1, LongestDelayMilliseconds)) : default;
            if (delay > TimeSpan.Zero) Delays++;
            if (--untilNext > 0) return new(Kind.Pass, delay, bytes);
            untilNext = random.Next(1, 120);
            bool isHalf = random.Next(2) == 0;
            if (!isHalf) Cuts++;
            else if (isToServer) ClosedToServer++;
            else ClosedToStore++;
            return new(isHalf ? Kind.HalfClose : Kind.Cut, delay, random.Next(bytes + 1), random.Next(2) == 0);
        }
    }
}
