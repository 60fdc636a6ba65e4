using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Sluice.Redis.Tests;

/// <summary>
/// A proxy between a store and its server that measures the cost of each function: the commands that the server executes for it, which are
/// the same on each machine, and the processor time of the server's main thread between request and answer. Calls pass one at a time.
/// </summary>
internal sealed class TimingProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource end = new();
    private readonly int port, process;
    private readonly CommandCounter commands;
    private readonly Task accepting;

    /// <param name="port">The server's port.</param>
    /// <param name="process">The server's process.</param>
    public TimingProxy(int port, int process)
    {
        (this.port, this.process) = (port, process);
        commands = new CommandCounter(port);
        listener.Start();
        accepting = AcceptAsync();
    }

    public string Address => $"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";

    /// <summary>The calls since the start.</summary>
    public ConcurrentQueue<ServerCall> Calls { get; } = [];

    public async ValueTask DisposeAsync()
    {
        await end.CancelAsync();
        listener.Stop();
        await accepting;
        commands.Dispose();
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
        (from.NoDelay, to.NoDelay) = (true, true);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(end.Token);
        string? running = null;
        (long Commands, TimeSpan Time) before = default;
        try
        {
            await to.ConnectAsync(IPAddress.Loopback, port, end.Token);
            Task back = CopyAsync(to.GetStream(), from.GetStream(), _ =>
            {
                if (Interlocked.Exchange(ref running, null) is not { } function) return;
                TimeSpan time = Spent() - before.Time;
                Calls.Enqueue(new(function, commands.Count() - before.Commands, time));
            }, both);
            await CopyAsync(from.GetStream(), to.GetStream(), bytes =>
            {
                if (FunctionOf(bytes) is not { } function) return;
                before = (commands.Count(), Spent());
                Volatile.Write(ref running, function);
            }, both);
            await back;
        }
        catch (Exception gone) when (gone is IOException or SocketException or OperationCanceledException)
        {
            // One of the two connections has ended; close the other.
        }
    }

    private static string? FunctionOf(ReadOnlySpan<byte> bytes)
    {
        int at = bytes[..Math.Min(bytes.Length, 100)].IndexOf("sluice_"u8);
        if (at < 0 || bytes[..at].IndexOf("FCALL"u8) < 0) return null;
        ReadOnlySpan<byte> name = bytes[at..];
        return Encoding.ASCII.GetString(name[..name.IndexOf((byte)'\r')]);
    }

    // The processor time of the main thread. The kernel counts it when the thread goes to sleep, as soon as it is idle. The thread is
    // marked as asleep a moment earlier.
    public TimeSpan Spent()
    {
        string thread = $"/proc/{process}/task/{process}/";
        for (string? last = null; ;)
        {
            string state = File.ReadAllText(thread + "stat"), used = File.ReadAllText(thread + "schedstat");
            if (state[state.LastIndexOf(')') + 2] != 'S') last = null;
            else if (used == last) return TimeSpan.FromMicroseconds(long.Parse(used.Split(' ')[0], CultureInfo.InvariantCulture) / 1000);
            else last = used;
            Thread.Yield();
        }
    }

    private static async Task CopyAsync(NetworkStream from, NetworkStream to, Action<ReadOnlySpan<byte>> look, CancellationTokenSource both)
    {
        var buffer = new byte[1 << 20];
        try
        {
            while (await from.ReadAsync(buffer, both.Token) is > 0 and var read)
            {
                look(buffer.AsSpan(0, read));
                await to.WriteAsync(buffer.AsMemory(0, read), both.Token);
            }
        }
        finally
        {
            await both.CancelAsync();
        }
    }
}
