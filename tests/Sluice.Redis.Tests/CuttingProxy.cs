using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Sluice.Redis.Tests;

/// <summary>The part of the traffic that a cut loses.</summary>
internal enum Cut
{
    Request,
    Reply,

    /// <summary>The connection stays open, but passes nothing in either direction, as when a machine or a cable is gone.</summary>
    Silence,
}

/// <summary>A proxy between a store and its server that cuts the connection once, at a request that contains given bytes.</summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource end = new();
    private readonly int port;
    private readonly Task accepting;
    private byte[]? pattern;
    private Cut cut;

    public CuttingProxy(int port)
    {
        this.port = port;
        listener.Start();
        accepting = AcceptAsync();
    }

    public string Address => $"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";

    /// <summary>The number of connections after the cut that are accepted but get no answer.</summary>
    public int SilentAfterCut { get; set; }

    /// <summary>Whether the requested cut has happened.</summary>
    public bool HasCut => Volatile.Read(ref pattern) is null;

    public void CutAtScript(string name, Cut loses)
    {
        cut = loses;
        Volatile.Write(ref pattern, Encoding.ASCII.GetBytes(Script.Named(name).Function));
    }

    public async ValueTask DisposeAsync()
    {
        await end.CancelAsync();
        listener.Stop();
        await accepting;
        end.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> relays = [];
        try
        {
            while (true) relays.Add(RelayAsync(await listener.AcceptTcpClientAsync(end.Token)));
        }
        catch (Exception stopped) when (stopped is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(relays);
        }
    }

    private async Task RelayAsync(TcpClient client)
    {
        using TcpClient from = client, to = new();
        using var both = CancellationTokenSource.CreateLinkedTokenSource(end.Token);
        try
        {
            await to.ConnectAsync(IPAddress.Loopback, port, end.Token);
            bool isMute = false, isSilent = HasCut && SilentAfterCut-- > 0;
            Task back = CopyAsync(to.GetStream(), from.GetStream(), _ => isSilent ? Verdict.Swallow : isMute ? Verdict.Cut : Verdict.Pass,
                both);
            await CopyAsync(from.GetStream(), to.GetStream(), bytes =>
            {
                if (isSilent) return Verdict.Swallow;
                if (Volatile.Read(ref pattern) is not { } wanted || bytes.IndexOf(wanted) < 0) return Verdict.Pass;
                Volatile.Write(ref pattern, null);
                (isMute, isSilent) = (cut == Cut.Reply, cut == Cut.Silence);
                return isMute ? Verdict.Pass : isSilent ? Verdict.Swallow : Verdict.Cut;
            }, both);
            await back;
        }
        catch (Exception gone) when (gone is IOException or SocketException or OperationCanceledException)
        {
            // One of the two connections has ended; close the other.
        }
    }

    private enum Verdict
    {
        Pass,
        Swallow,
        Cut,
    }

    private delegate Verdict Filter(ReadOnlySpan<byte> bytes);

    // Relays the bytes that the filter passes, until the filter ends both directions.
    private static async Task CopyAsync(NetworkStream from, NetworkStream to, Filter filter, CancellationTokenSource both)
    {
        var buffer = new byte[1 << 20];
        try
        {
            while (await from.ReadAsync(buffer, both.Token) is > 0 and var read
                && filter(buffer.AsSpan(0, read)) is var verdict and not Verdict.Cut)
                if (verdict == Verdict.Pass) await to.WriteAsync(buffer.AsMemory(0, read), both.Token);
        }
        finally
        {
            await both.CancelAsync();
        }
    }
}
