using System.Net.Sockets;

namespace Sluice.Processes;

/// <summary>
/// The socket where workers connect, in a directory that only this user may enter. A connection without a valid token is closed.
/// </summary>
internal sealed class WorkerListener : IAsyncDisposable
{
    private const int Backlog = 256;
    private const int MaxHello = 1 << 18;

    private readonly Lock sync = new();
    private readonly List<(WorkerToken Invitation, TaskCompletionSource<WorkerArrival> Arrival)> expected = [];
    private readonly string directory;
    private readonly string path;
    private readonly Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly ProcessOptions options;
    private readonly CancellationToken life;
    private readonly Task accepting;

    public WorkerListener(ProcessOptions options, CancellationToken life)
    {
        (this.options, this.life) = (options, life);
        directory = path = "";
        try
        {
            directory = Directory.CreateTempSubdirectory("sluice-").FullName;        // 0700
            path = Path.Combine(directory, "workers");
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen(Backlog);
        }
        catch (Exception e)
        {
            listener.Dispose();
            if (directory.Length > 0) Directory.Delete(directory, recursive: true);
            throw new InvalidOperationException(
                $"Workers cannot connect at {(path.Length > 0 ? path : Path.GetTempPath())}: {e.Message} The directory for temporary "
                    + $"files (TMPDIR) must be there and writable, and its name short.", e);
        }
        accepting = AcceptAllAsync();
    }

    /// <summary>Makes a token for a process that is about to start.</summary>
    /// <param name="arrival">Completes when the process has connected.</param>
    public WorkerToken Invite(out Task<WorkerArrival> arrival)
    {
        WorkerToken invitation = WorkerToken.To(path, options.MaxItemBytes);
        var source = new TaskCompletionSource<WorkerArrival>(TaskCreationOptions.RunContinuationsAsynchronously);
        arrival = source.Task;
        lock (sync) expected.Add((invitation, source));
        return invitation;
    }

    /// <summary>Withdraws a token.</summary>
    public void Withdraw(WorkerToken invitation)
    {
        lock (sync) expected.RemoveAll(each => ReferenceEquals(each.Invitation, invitation));
    }

    /// <summary>Call it after the life has been cancelled.</summary>
    public async ValueTask DisposeAsync()
    {
        await accepting;
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (IOException)
        {
            // Already removed.
        }
    }

    private async Task AcceptAllAsync()
    {
        try
        {
            while (true) _ = GreetAsync(await listener.AcceptAsync(life));
        }
        catch (Exception)
        {
            // No worker can connect any more: life has ended, or the slots report that their workers do not arrive.
        }
        listener.Dispose();
    }

    private async Task GreetAsync(Socket socket)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(life);
        using ITimer timer = TimeProvider.System.CreateTimer(static source => ((CancellationTokenSource)source!).Cancel(), late,
            options.StartTimeout, Timeout.InfiniteTimeSpan);
        var reader = new FrameReader(socket, Math.Max(MaxHello, options.MaxItemBytes + 64L));
        try
        {
            WorkerArrival? arrival;
            while (!TryRead(socket, reader, out arrival))
                if (!await reader.ReceiveAsync(late.Token)) break;
            if (arrival is not null && Find(arrival.Token) is { } source && source.TrySetResult(arrival)) return;
        }
        catch (Exception)
        {
            // Not a worker.
        }
        reader.Dispose();
        socket.Dispose();
    }

    private static bool TryRead(Socket socket, FrameReader reader, out WorkerArrival? arrival)
    {
        arrival = null;
        if (!reader.TryTake(out ReadOnlySpan<byte> frame)) return false;
        if ((FrameKind)frame[0] != FrameKind.Hello || frame.Length < 1 + WorkerToken.TokenBytes) return true;
        byte[] token = frame.Slice(1, WorkerToken.TokenBytes).ToArray();
        frame = frame[(1 + WorkerToken.TokenBytes)..];
        arrival = new(socket, reader, token, FrameReader.Text(ref frame), FrameReader.Text(ref frame));
        return true;
    }

    private TaskCompletionSource<WorkerArrival>? Find(byte[] token)
    {
        lock (sync)
        {
            int at = expected.FindIndex(each => each.Invitation.IsFor(token));
            if (at < 0) return null;
            TaskCompletionSource<WorkerArrival> source = expected[at].Arrival;
            expected.RemoveAt(at);
            return source;
        }
    }
}

/// <summary>A worker that has connected.</summary>
/// <param name="Socket">The connection.</param>
/// <param name="Reader">The reader of its frames.</param>
/// <param name="Token">The token that it has sent.</param>
/// <param name="Input">The type of its body's items.</param>
/// <param name="Output">The type of its body's results.</param>
internal sealed record WorkerArrival(Socket Socket, FrameReader Reader, byte[] Token, string Input, string Output);
