using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>
/// A proxy between a store and a server of version 7.0 that answers WAIT as 7.2 does: all replicas count for a connection that has written
/// nothing. The replication offset of the server shows whether a command has written. Commands pass one at a time.
/// </summary>
internal sealed class WaitProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource end = new();
    private readonly SemaphoreSlim one = new(1);
    private readonly ConnectionMultiplexer side;
    private readonly TaskCompletionSource<bool> waits = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int port;
    private readonly Task accepting;
    private string? cutAfter;
    private volatile bool hasCut;

    public WaitProxy(int port)
    {
        this.port = port;
        side = ConnectionMultiplexer.Connect($"127.0.0.1:{port},allowAdmin=true,connectTimeout=60000,asyncTimeout=60000");
        listener.Start();
        accepting = AcceptAsync();
    }

    /// <summary>As a connection string. The proxy reads answers, and knows the older protocol only.</summary>
    public string Address => $"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port},protocol=resp2";

    /// <summary>The first WAIT after the cut has come; the result is whether its connection has written.</summary>
    public Task<bool> WaitsAfterCut => waits.Task;

    /// <summary>Cuts the connection after a call of this function was executed and before its answer.</summary>
    public void CutAfter(string script) => Volatile.Write(ref cutAfter, Script.Named(script).Function);

    public async ValueTask DisposeAsync()
    {
        await end.CancelAsync();
        listener.Stop();
        await accepting;
        await side.CloseAsync();
        end.Dispose();
        one.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> served = [];
        try
        {
            while (true) served.Add(ServeAsync(await listener.AcceptTcpClientAsync(end.Token)));
        }
        catch (Exception stopped) when (stopped is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(served);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using TcpClient from = client, to = new();
        try
        {
            await to.ConnectAsync(IPAddress.Loopback, port, end.Token);
            Stream ours = new BufferedStream(from.GetStream()), theirs = new BufferedStream(to.GetStream());
            for (bool hasWritten = false; ;)
            {
                List<string> words = [];
                byte[] command = await ReadAsync(ours, words);
                if (words[0].EndsWith("SUBSCRIBE", StringComparison.OrdinalIgnoreCase))
                {
                    await to.GetStream().WriteAsync(command, end.Token);
                    await Task.WhenAny(ours.CopyToAsync(to.GetStream(), end.Token), theirs.CopyToAsync(from.GetStream(), end.Token));
                    return;
                }
                await one.WaitAsync(end.Token);
                try
                {
                    if (words[0] == "WAIT" && hasCut) waits.TrySetResult(hasWritten);
                    (long before, int replicas) = await ReplicationAsync();
                    if (words[0] == "WAIT" && !hasWritten) await from.GetStream()
                        .WriteAsync(Encoding.ASCII.GetBytes($":{replicas}\r\n"), end.Token);
                    else
                    {
                        await to.GetStream().WriteAsync(command, end.Token);
                        byte[] answer = await ReadAsync(theirs, []);
                        hasWritten |= (await ReplicationAsync()).Offset > before;
                        if (cutAfter is { } script && words.Contains(script))
                        {
                            Volatile.Write(ref cutAfter, null);
                            hasCut = true;
                            return;
                        }
                        await from.GetStream().WriteAsync(answer, end.Token);
                    }
                }
                finally
                {
                    one.Release();
                }
            }
        }
        catch (Exception gone) when (gone is IOException or SocketException or OperationCanceledException)
        {
            // One side has ended; close the other.
        }
    }

    private async Task<(long Offset, int Replicas)> ReplicationAsync()
    {
        var info = (string?)await side.GetDatabase().ExecuteAsync("INFO", "replication");
        string[] lines = info!.Split('\n', StringSplitOptions.TrimEntries);
        long Number(string name) => long.Parse(lines.Single(line => line.StartsWith(name + ":",
            StringComparison.Ordinal))[(name.Length + 1)..], CultureInfo.InvariantCulture);
        return (Number("master_repl_offset"), (int)Number("connected_slaves"));
    }

    // Reads one value of the protocol, and collects the texts in it.
    private async Task<byte[]> ReadAsync(Stream stream, List<string> texts)
    {
        using var value = new MemoryStream();
        for (int left = 1; left > 0; left--)
        {
            string line = await LineAsync(stream, value);
            int length = line[0] is '$' or '*' ? int.Parse(line.AsSpan(1), CultureInfo.InvariantCulture) : 0;
            if (line[0] == '*') left += Math.Max(0, length);
            if (line[0] != '$' || length < 0) continue;
            byte[] text = new byte[length + 2];
            await stream.ReadExactlyAsync(text, end.Token);
            value.Write(text);
            texts.Add(Encoding.UTF8.GetString(text, 0, length));
        }
        return value.ToArray();
    }

    private async Task<string> LineAsync(Stream stream, MemoryStream value)
    {
        var line = new StringBuilder();
        byte[] one = new byte[1];
        while (line.Length < 2 || line[^1] != '\n')
        {
            await stream.ReadExactlyAsync(one, end.Token);
            value.Write(one);
            line.Append((char)one[0]);
        }
        return line.ToString().TrimEnd();
    }
}
