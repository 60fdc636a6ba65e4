using Sluice.ChildProcesses;
using Sluice.Flows;

namespace Sluice.Executors;

/// <summary>The calls over the connection to a child process: the functions that the child executes.</summary>
/// <remarks>One loop receives; all members are thread-safe.</remarks>
internal sealed class CallConnection : IAsyncDisposable
{
    private readonly ChildConnection child;
    private readonly ProcessExecutorOptions options;
    private readonly Lock sync = new();
    private readonly Dictionary<long, RemoteCall> calls = [];
    private readonly HashSet<long> late = [];        // cancelled functions that have not ended in time
    private readonly FrameSender sender;
    private readonly Task running;
    private long last;
    private bool isOver;
    private bool isReplaced;

    public CallConnection(ChildConnection child, ProcessExecutorOptions options)
    {
        (this.child, this.options) = (child, options);
        sender = new(child.Socket);
        running = RunAsync();
    }

    /// <summary>The number of readers and failures remembered for each function.</summary>
    public IReadOnlyList<(int Readings, int Failures)> Held
    {
        get
        {
            lock (sync) return [.. calls.Values.Select(call => call.Held)];
        }
    }

    /// <summary>Whether the child can execute nothing more.</summary>
    public bool IsOver => Volatile.Read(ref isOver);

    /// <summary>Lets another child take its place, if one of its functions ignores its cancellation: others would keep that one alive,
    /// because only a child whose functions are all late is killed. It ends when it has no function any more.</summary>
    /// <returns>Whether it gets no more functions.</returns>
    public bool TryReplace()
    {
        lock (sync) return isReplaced = late.Count > 0;
    }

    /// <summary>Completes when the child has ended.</summary>
    public Task Ended => running;

    /// <summary>Has the child execute a function to its end.</summary>
    /// <exception cref="ExecutionLostException">The child ended before the function.</exception>
    /// <exception cref="OperationCanceledException">The execution was cancelled.</exception>
    public async Task ExecuteAsync(ProcessorCall called, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        long number = Interlocked.Increment(ref last);
        using RemoteCall call = called.OpenRemote(message => sender.Say(number, message), options.MaxValueBytes,
            "a child process", "ProcessExecutorOptions.MaxValueBytes");
        lock (sync)
        {
            if (isOver) throw new ExecutionLostException("The child process ended before it was told what to execute.");
            calls.Add(number, call);
        }
        using ITimer timer = TimeProvider.System.CreateTimer(_ => EndIfLate(number), null, Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
        using CancellationTokenRegistration _ = cancellation.UnsafeRegister(_ => timer.Change(options.StopTimeout,
            Timeout.InfiniteTimeSpan), null);
        try
        {
            await call.ExecuteAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            lock (sync)
            {
                calls.Remove(number);
                late.Remove(number);
            }
            EndIfLate(0);
        }
    }

    /// <summary>Ends the child.</summary>
    public async ValueTask DisposeAsync()
    {
        child.Close();                               // then nothing more arrives
        await running.ConfigureAwait(false);
    }

    /// <summary>Notes a cancelled function that has not ended in time. Kills the child if all its functions are late. Ends a child that
    /// was replaced and has none.</summary>
    private void EndIfLate(long number)
    {
        lock (sync)
        {
            if (calls.ContainsKey(number)) late.Add(number);
            bool isLate = calls.Count > 0 && calls.Count == late.Count;
            if (isLate) child.Process.Kill();
            else if (!isReplaced || calls.Count > 0) return;
            else isOver = true;
        }
        child.Close();                               // what was started may be a script, whose child has the connection and goes on
    }

    // Never throws.
    private async Task RunAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        Task sending = sender.RunAsync();
        string? killed = await child.ReceiveAsync(TakeAll, CancellationToken.None).ConfigureAwait(false);
        lock (sync) isOver = true;
        sender.Close();
        child.Close();
        await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await child.Process.EndAsync(options.StopTimeout).ConfigureAwait(false);    // it ends by itself once the connection is gone
        string wrote = await child.Process.LastErrorsAsync().ConfigureAwait(false), odd = killed is null ? "" : $" {killed}";
        var lost = new ExecutionLostException($"the child process has ended with {child.Process.HowItEnded()}.{odd}{wrote}");
        RemoteCall[] left;
        lock (sync) left = [.. calls.Values];
        foreach (RemoteCall call in left) call.Lose(lost);
        child.Dispose();
        sender.Dispose();
    }

    /// <returns>True: the connection goes on.</returns>
    private bool TakeAll()
    {
        while (child.Reader.TryTake(out ReadOnlySpan<byte> frame))
        {
            long number = CallLimits.Open(ref frame);
            RemoteCall? call;
            lock (sync) calls.TryGetValue(number, out call);
            call?.Receive(frame);                    // an ended call may have left messages behind
        }
        return true;
    }
}
