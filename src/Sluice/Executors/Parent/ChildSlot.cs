using Sluice.ChildProcesses;
using Sluice.Flows;
using Sluice.Scheduling;
using Sluice.Shared;

namespace Sluice.Executors;

/// <summary>A slot for one child process: starts it on demand, and again after it has ended.</summary>
/// <remarks>
/// No loop, unlike the slot of a pipeline's worker: a service has functions at some times only, and a failed start is the failure of the
/// functions that wait for it. Thread-safe, except <see cref="Load"/>, which the executor guards.
/// </remarks>
internal sealed class ChildSlot
{
    private readonly Lock sync = new();
    private readonly ExecutorProgram program;
    private readonly ProcessExecutorOptions options;
    private readonly CancellationTokenSource ending;
    private readonly CancellationToken life;         // of the executor, and until this slot ends
    private readonly OneDisposal disposal = new();
    private CallConnection? replaced;                // a child that finishes what it has, beside the current one
    private Task<CallConnection>? current;
    private int failures;                            // consecutive failed starts

    public ChildSlot(ExecutorProgram program, ProcessExecutorOptions options, CancellationToken life)
    {
        (this.program, this.options) = (program, options);
        ending = CancellationTokenSource.CreateLinkedTokenSource(life);
        this.life = ending.Token;
    }

    /// <summary>The number of functions that run or are about to run here.</summary>
    public int Load { get; set; }

    /// <summary>The child; null if none is connected.</summary>
    public CallConnection? Connected
    {
        get
        {
            lock (sync) return current is { IsCompletedSuccessfully: true, Result: { IsOver: false } child } ? child : null;
        }
    }

    /// <summary>Connects to the child; starts it if there is none.</summary>
    /// <param name="launcher">Starts children; or throws, as a start does.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="ExecutionLostException">The child ended, or was killed, before it connected.</exception>
    /// <exception cref="FlowException">It cannot be started, now and later.</exception>
    public Task<CallConnection> ConnectAsync(Func<ChildLauncher> launcher, CancellationToken cancellation)
    {
        Task<CallConnection> child;
        lock (sync)
        {
            if (replaced is { Ended.IsCompleted: true }) replaced = null;
            if (replaced is null && current is { IsCompletedSuccessfully: true, Result: { IsOver: false } late } && late.TryReplace())
                (replaced, current) = (late, StartAsync(launcher, before: null));
            else if (current is null || current.IsFaulted || current.IsCanceled
                || current is { IsCompletedSuccessfully: true, Result.IsOver: true }) current = StartAsync(launcher, current);
            child = current;
        }
        _ = ((Task)child).Observed();                // all who wait for it may give up
        return child.WaitAsync(cancellation);
    }

    /// <summary>Ends the child, if there is one, also one that is being started. Call it last.</summary>
    public Task EndAsync() => disposal.RunAsync(EndNowAsync).AsTask();

    private async Task EndNowAsync()
    {
        await ending.CancelAsync().ConfigureAwait(false);
        Task<CallConnection>? last;
        CallConnection? other;
        lock (sync) (last, other) = (current, replaced);
        Task others = other?.DisposeAsync().AsTask() ?? Task.CompletedTask;
        if (last is not null)
        {
            await ((Task)last).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (last.IsCompletedSuccessfully) await last.Result.DisposeAsync().ConfigureAwait(false);
        }
        await others.ConfigureAwait(false);
        ending.Dispose();
    }

    private async Task<CallConnection> StartAsync(Func<ChildLauncher> launcher, Task<CallConnection>? before)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        // One process at a time, beside one that finishes what it has.
        if (before is { IsCompletedSuccessfully: true }) await before.Result.DisposeAsync().ConfigureAwait(false);
        await ChildLauncher.PauseAsync(failures, Random.Shared, life).ConfigureAwait(false);
        ChildStart start = await StartWhenPossibleAsync(launcher).ConfigureAwait(false);
        if (start.Child is { } child)
        {
            failures = 0;
            return new(child, options);
        }
        failures++;
        if (start.Failure!.Refusal is { } refusal) throw new FlowException(refusal);
        throw await program.ExplainAsync(start.Failure, life).ConfigureAwait(false);
    }

    /// <summary>Starts the child; repeats that for the start timeout as long as the machine is short of something.</summary>
    private async Task<ChildStart> StartWhenPossibleAsync(Func<ChildLauncher> launcher)
    {
        long began = TimeProvider.System.GetTimestamp();
        for (int tries = 1; ; tries++)
            try
            {
                life.ThrowIfCancellationRequested();
                program.Check();
                return await launcher().StartAsync(life).ConfigureAwait(false);
            }
            catch (WorkerException e) when (ChildProcess.MayPass(e)
                && TimeProvider.System.GetElapsedTime(began) < options.StartTimeout)
            {
                await ChildLauncher.PauseAsync(tries, Random.Shared, life).ConfigureAwait(false);
            }
            catch (WorkerException e)
            {
                failures++;
                throw program.Explain(e);
            }
    }
}
