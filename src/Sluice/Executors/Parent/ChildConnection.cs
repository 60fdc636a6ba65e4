using Sluice.Flows;
using Sluice.Processes;

namespace Sluice.Executors;

/// <summary>The connection to a child process, with the functions that it executes.</summary>
/// <remarks>One loop receives; all members are thread-safe.</remarks>
internal sealed class ChildConnection : IAsyncDisposable
{
    private readonly WorkerArrival arrival;
    private readonly WorkerProcess process;
    private readonly ChildErrors errors;
    private readonly ProcessExecutorOptions options;
    private readonly Lock sync = new();
    private readonly Dictionary<long, RemoteCall> calls = [];
    private readonly HashSet<long> late = [];        // cancelled functions that have not ended in time
    private readonly FrameSender sender;
    private readonly Task running;
    private long last;
    private bool isOver;

    public ChildConnection(WorkerArrival arrival, WorkerProcess process, ChildErrors errors, ProcessExecutorOptions options)
    {
        (this.arrival, this.process, this.errors, this.options) = (arrival, process, errors, options);
        sender = new(arrival.Socket);
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

    /// <summary>Has the child execute a function to its end.</summary>
    /// <exception cref="ExecutionLostException">The child ended before the function.</exception>
    /// <exception cref="OperationCanceledException">The execution was cancelled.</exception>
    public async Task ExecuteAsync(ProcessorCall called, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        long number = Interlocked.Increment(ref last);
        using RemoteCall call = called.OpenRemote(message => sender.Say(number, message), options.MaxValueBytes);
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
        arrival.Socket.Dispose();                    // then nothing more arrives
        await running.ConfigureAwait(false);
    }

    /// <summary>Notes a cancelled function that has not ended in time. Kills the child if all its functions are late.</summary>
    private void EndIfLate(long number)
    {
        lock (sync)
        {
            if (calls.ContainsKey(number)) late.Add(number);
            if (calls.Count > 0 && calls.Count == late.Count) process.Kill();
        }
    }

    // Never throws.
    private async Task RunAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        Task sending = sender.RunAsync();
        string odd = "";
        try
        {
            do TakeAll();
            while (await arrival.Reader.ReceiveAsync(CancellationToken.None).ConfigureAwait(false));
        }
        catch (InvalidDataException e)
        {
            odd = $" It was killed, because it sent what it should not: {e.Message}";
            process.Kill();
        }
        catch (Exception)
        {
            // The child is gone, or no longer needed.
        }
        lock (sync) isOver = true;
        sender.Close();
        arrival.Socket.Dispose();
        await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await process.EndAsync(options.StopTimeout).ConfigureAwait(false);          // it ends by itself once the connection is gone
        string wrote = await errors.EndAsync().ConfigureAwait(false);
        var lost = new ExecutionLostException($"the child process has ended with {process.HowItEnded()}.{odd}{wrote}");
        RemoteCall[] left;
        lock (sync) left = [.. calls.Values];
        foreach (RemoteCall call in left) call.Lose(lost);
        process.Dispose();
        arrival.Reader.Dispose();
        sender.Dispose();
    }

    private void TakeAll()
    {
        while (arrival.Reader.TryTake(out ReadOnlySpan<byte> frame))
        {
            long number = CallLimits.Open(ref frame);
            RemoteCall? call;
            lock (sync) calls.TryGetValue(number, out call);
            call?.Receive(frame);                    // an ended call may have left messages behind
        }
    }
}
