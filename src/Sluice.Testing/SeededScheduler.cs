using Sluice.Diagnostics;
using Sluice.Graphs;

namespace Sluice.Testing;

/// <summary>
/// Runs a pipeline's work on the thread of the test, one work item at a time, in an order that a seed decides. Every seed is another
/// interleaving of threads; the same seed repeats its interleaving.
/// </summary>
/// <remarks>
/// <para>
/// To replay a failing interleaving, use <c>new RunOptions { Scheduler = new SeededScheduler(seed), Time = clock, Seed = seed }</c> in
/// multi-thread mode, with a new scheduler for every run. <see cref="RunOptions.Seed"/> seeds the run's jitter.
/// <see cref="StepScopeOptions.Seed"/> seeds the jitter of a scope of steps.
/// </para>
/// <para>
/// The scheduler is the synchronization context of its work, so that awaits in user code return to it. Work that leaves it
/// (<c>Task.Run</c>, <c>ConfigureAwait(false)</c>, real input and output) returns when it is ready, which the seed does not decide.
/// </para>
/// <para>
/// The start of a run drives it until all work rests. Later, only <see cref="RunUntilIdle"/> and
/// <see cref="RunToEndAsync(PipelineRun, TestClock?, TimeSpan?)"/> execute work: call one of them before you await something of the run.
/// </para>
/// <para>Thread-safe, but one thread at a time drives it.</para>
/// </remarks>
public sealed class SeededScheduler : RunScheduler
{
    // Locking rule: the lock protects the list of ready work and the driver; work runs outside of it.
    private readonly Lock gate = new();
    private readonly List<IThreadPoolWorkItem> ready = [];
    private readonly Random random;
    private readonly SeededContext context;
    private TaskCompletionSource? arrival;
    private bool driving;

    /// <summary>Creates a scheduler.</summary>
    /// <param name="seed">Selects one of the possible orders.</param>
    public SeededScheduler(int seed) => (Seed, random, context) = (seed, new Random(seed), new SeededContext(this));

    /// <summary>The seed of the order.</summary>
    public int Seed { get; }

    /// <summary>The number of executed work items.</summary>
    public long Steps { get; private set; }

    /// <summary>The number of steps after which a run counts as endless; by default 10 million.</summary>
    public long StepLimit { get; init; } = 10_000_000;

    /// <summary>Called before each step with its number, from 1: the place to cancel, drain or push at a chosen moment.</summary>
    public Action<long>? BeforeStep { get; set; }

    /// <summary>Always true: work items run one at a time.</summary>
    public override bool IsSerial => true;

    /// <summary>Adds a work item; the seed decides when it runs.</summary>
    /// <param name="work">The work item; it runs once.</param>
    public override void Schedule(IThreadPoolWorkItem work)
    {
        ArgumentNullException.ThrowIfNull(work);
        TaskCompletionSource? arrived;
        lock (gate)
        {
            ready.Add(work);
            arrived = arrival;
            arrival = null;
        }
        arrived?.TrySetResult();
    }

    /// <summary>Executes work until all work rests, unless another thread already does.</summary>
    public override void Drive()
    {
        if (TryBegin()) DriveUntilIdle();
    }

    /// <summary>Executes work until all work rests: waits for the clock, for the test, or for external events.</summary>
    /// <returns>The number of executed work items.</returns>
    /// <exception cref="InvalidOperationException">It is already driven, or has exceeded its <see cref="StepLimit"/>.</exception>
    public long RunUntilIdle()
    {
        if (!TryBegin())
            throw new InvalidOperationException(
                "The scheduler is being driven already, by another thread or by the work that calls this. Drive it from one place.");
        return DriveUntilIdle();
    }

    /// <summary>Drives a run to its end: executes work until all rests, moves the clock to the next due timer, and repeats.</summary>
    /// <param name="run">A run on this scheduler.</param>
    /// <param name="clock">The run's clock, if the run waits for time.</param>
    /// <param name="maxWait">
    /// The maximum real time to wait for external work (real files, threads of the test) if nothing else is left to do; by default 5
    /// seconds. Use zero if there is no external work, and <see cref="Timeout.InfiniteTimeSpan"/> for no limit.
    /// </param>
    /// <returns>The snapshot of the run at its end.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The wait is negative, or longer than 49 days.</exception>
    /// <exception cref="PipelineException">A node of the run failed.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    /// <exception cref="InvalidOperationException">
    /// The run has stalled: no work is left, or timers have fired a million times and no node has got or put out an item; and it has not
    /// ended. The message says what every node waits for. The run was then cancelled.
    /// </exception>
    public async Task<RunSnapshot> RunToEndAsync(PipelineRun run, TestClock? clock = null, TimeSpan? maxWait = null)
    {
        ArgumentNullException.ThrowIfNull(run);
        CheckWait(maxWait);
        var moves = new ClockMoves(clock, () => run.Snapshot().Nodes.Sum(static node => node.In + node.Out));
        while (true)
        {
            RunUntilIdle();
            if (run.Completion.IsCompleted) break;
            if (moves.TryNext() || await ArrivesAsync(maxWait ?? TimeSpan.FromSeconds(5))) continue;
            if (run.Completion.IsCompleted) break;   // its work was elsewhere
            string explanation = $"The run has stalled (seed {Seed}, after {Steps} steps): {moves.Why}, and it has not ended."
                + (Steps > 0 ? "" : " This scheduler has had no work: start the run with new RunOptions { Scheduler = scheduler }.")
                + $"\n{run.Snapshot()}";
            _ = run.CancelAsync();
            do RunUntilIdle();
            while (!run.Completion.IsCompleted && moves.TryNext());
            throw new InvalidOperationException(explanation);
        }
        await run.Completion;
        return run.Snapshot();
    }

    /// <summary>
    /// Runs asynchronous code on this scheduler to its end: executes work until all rests, moves the clock to the next due timer, and
    /// repeats. For example, calls of steps in a <see cref="StepScope"/> with this scheduler.
    /// </summary>
    /// <param name="work">The code; its first part is a work item too.</param>
    /// <param name="clock">The clock that the code waits for.</param>
    /// <param name="maxWait">The maximum real time to wait for external work if nothing else is left to do; by default 5 seconds.</param>
    /// <returns>A task that completes as the work does.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The wait is negative, or longer than 49 days.</exception>
    /// <exception cref="InvalidOperationException">
    /// No work is left, or timers have fired a million times without any work; and the code has not ended.
    /// </exception>
    public async Task RunToEndAsync(Func<Task> work, TestClock? clock = null, TimeSpan? maxWait = null)
    {
        ArgumentNullException.ThrowIfNull(work);
        CheckWait(maxWait);
        var first = new Beginning(work);
        Schedule(first);
        var moves = new ClockMoves(clock, () => Steps);
        while (true)
        {
            RunUntilIdle();
            if (first.End is { IsCompleted: true }) break;
            if (moves.TryNext() || await ArrivesAsync(maxWait ?? TimeSpan.FromSeconds(5))) continue;
            throw new InvalidOperationException(
                $"The work has stalled (seed {Seed}, after {Steps} steps): {moves.Why}, and it has not ended.");
        }
        await first.End;
    }

    private bool TryBegin()
    {
        lock (gate) return !driving && (driving = true);
    }

    private long DriveUntilIdle()
    {
        SynchronizationContext? outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(context);
        long before = Steps;
        try
        {
            while (Take() is { } work)
            {
                if (++Steps > StepLimit)
                    throw new InvalidOperationException(
                        $"More than {StepLimit} steps (seed {Seed}): the run never rests, or it never ends.");
                BeforeStep?.Invoke(Steps);
                work.Execute();
            }
            return Steps - before;
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
            lock (gate) driving = false;
        }
    }

    private IThreadPoolWorkItem? Take()
    {
        lock (gate)
        {
            if (ready.Count == 0) return null;
            int chosen = random.Next(ready.Count);
            IThreadPoolWorkItem work = ready[chosen];
            ready[chosen] = ready[^1];
            ready.RemoveAt(ready.Count - 1);
            return work;
        }
    }

    private static void CheckWait(TimeSpan? maxWait)
    {
        if (maxWait is not { } wait || wait == Timeout.InfiniteTimeSpan) return;
        ArgumentOutOfRangeException.ThrowIfLessThan(wait, TimeSpan.Zero, nameof(maxWait));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(wait, TimeSpan.FromDays(49), nameof(maxWait));
    }

    private async Task<bool> ArrivesAsync(TimeSpan maxWait)
    {
        Task arrived;
        lock (gate)
        {
            if (ready.Count > 0) return true;
            arrived = (arrival ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
        if (maxWait == TimeSpan.Zero) return false;
        await arrived.WaitAsync(maxWait, TimeProvider.System)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        return arrived.IsCompleted;
    }

    /// <summary>Moves the clock from timer to timer, as long as that changes something: a periodic timer is always armed.</summary>
    private sealed class ClockMoves(TestClock? clock, Func<long> progress)
    {
        private const int MaxQuiet = 1_000_000;      // a source may look at the clock each minute for years

        private long known = -1;
        private int moves;

        /// <summary>Why the clock was not moved.</summary>
        public string Why { get; private set; } = "";

        public bool TryNext()
        {
            if (clock?.NextDue is not { } due)
            {
                Why = $"nothing is left to do, no timer is due{(clock is null ? " (no clock was given)" : "")}";
                return false;
            }
            if (moves == MaxQuiet)
            {
                (long before, known, moves) = (known, progress(), 0);
                Why = $"timers have fired {MaxQuiet:N0} times, until {clock.GetUtcNow():yyyy-MM-dd HH:mm:ss}Z, and nothing has moved";
                if (known == before) return false;
            }
            moves++;
            TimeSpan wait = due - clock.GetUtcNow();
            clock.Advance(wait > TimeSpan.Zero ? wait : TimeSpan.Zero);
            return true;
        }
    }

    private sealed class Beginning(Func<Task> work) : IThreadPoolWorkItem
    {
        public Task? End { get; private set; }

        public void Execute() => End = RunAsync();

        private async Task RunAsync() => await work();
    }
}
