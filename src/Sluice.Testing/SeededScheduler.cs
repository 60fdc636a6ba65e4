namespace Sluice.Testing;

/// <summary>
/// Runs the work of a run on the thread of the test, one item at a time, in an order that a seed decides: every seed is another
/// interleaving of what would be several threads, and the same seed is the same interleaving again.
/// </summary>
/// <remarks>
/// <para><c>new RunOptions { Scheduler = new SeededScheduler(seed), Time = clock, Seed = seed }</c>, in multi-thread mode, is how an
/// interleaving that fails is replayed. Use a new scheduler for every run that is to be replayed; <see cref="RunOptions.Seed"/> seeds the
/// run's jitter.</para>
/// <para>It is the synchronization context of all that it runs, so that user code that awaits comes back to it. What leaves it
/// (<c>Task.Run</c>, <c>ConfigureAwait(false)</c>, real input and output) comes back whenever it is ready, and is then no longer
/// decided by the seed.</para>
/// <para>A start drives the run until everything rests. After that, nothing happens unless <see cref="RunUntilIdle"/> or
/// <see cref="RunToEndAsync(PipelineRun, TestClock?, TimeSpan?)"/> is called: whoever awaits something of the run calls one of them first.</para>
/// <para>Thread-safe, but one thread at a time drives it.</para>
/// </remarks>
public sealed class SeededScheduler : RunScheduler
{
    // The locking rule: the list of what is ready, and who drives, under the lock; work is executed outside of it.
    private readonly Lock gate = new();
    private readonly List<IThreadPoolWorkItem> ready = [];
    private readonly Random random;
    private readonly SeededContext context;
    private TaskCompletionSource? arrival;
    private bool driving;

    /// <summary>Makes a scheduler.</summary>
    /// <param name="seed">Which of the possible orders to take.</param>
    public SeededScheduler(int seed) => (Seed, random, context) = (seed, new Random(seed), new SeededContext(this));

    /// <summary>What decides the order.</summary>
    public int Seed { get; }

    /// <summary>How many work items have been executed.</summary>
    public long Steps { get; private set; }

    /// <summary>After how many steps a run is taken for one that never rests: 10 million unless given.</summary>
    public long StepLimit { get; init; } = 10_000_000;

    /// <summary>Called with the number of each step, from 1, before it is executed: the place to cancel, drain or push at a chosen moment.</summary>
    public Action<long>? BeforeStep { get; set; }

    /// <summary>Always: one work item at a time.</summary>
    public override bool IsSerial => true;

    /// <summary>Adds a work item to those that are ready; the seed decides when its turn comes.</summary>
    /// <param name="work">What to execute, once.</param>
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

    /// <summary>Executes until everything rests, unless somebody does already.</summary>
    public override void Drive()
    {
        if (TryBegin()) DriveUntilIdle();
    }

    /// <summary>Executes work items until everything rests: waits for the clock, for the test, or for something outside.</summary>
    /// <returns>How many were executed.</returns>
    /// <exception cref="InvalidOperationException">It is being driven already, or has passed its <see cref="StepLimit"/>.</exception>
    public long RunUntilIdle()
    {
        if (!TryBegin())
            throw new InvalidOperationException("The scheduler is being driven already, by another thread or by the work that calls this. Drive it from one place.");
        return DriveUntilIdle();
    }

    /// <summary>
    /// Drives a run to its end: executes until everything rests, moves the clock to the next timer that is due, and so on.
    /// </summary>
    /// <param name="run">A run on this scheduler.</param>
    /// <param name="clock">The run's clock, when the run waits for time to pass.</param>
    /// <param name="patience">How long, in real time, to wait for work from outside (real files, threads of the test) when nothing else
    /// is left to do; 5 seconds unless given. Zero where there is nothing outside.</param>
    /// <returns>What the run looked like at its end.</returns>
    /// <exception cref="PipelineException">A node of the run failed.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    /// <exception cref="InvalidOperationException">The run has stalled: nothing is left to do, and it has not ended. The message says what
    /// every node waits for. The run has then been cancelled.</exception>
    public async Task<RunSnapshot> RunToEndAsync(PipelineRun run, TestClock? clock = null, TimeSpan? patience = null)
    {
        ArgumentNullException.ThrowIfNull(run);
        while (true)
        {
            RunUntilIdle();
            if (run.Completion.IsCompleted) break;
            if (MoveToNextTimer(clock) || await ArrivesAsync(patience ?? TimeSpan.FromSeconds(5))) continue;
            string explanation = $"The run has stalled (seed {Seed}, after {Steps} steps): nothing is left to do, no timer is due"
                + $"{(clock is null ? " (no clock was given)" : "")}, and it has not ended.\n{run.Snapshot()}";
            run.Cancel();
            do RunUntilIdle();
            while (!run.Completion.IsCompleted && MoveToNextTimer(clock));
            throw new InvalidOperationException(explanation);
        }
        await run.Completion;
        return run.Snapshot();
    }

    /// <summary>
    /// Runs code on this scheduler to its end: executes until everything rests, moves the clock to the next timer that is due, and so on. For code that awaits, such as calls of steps in a
    /// <see cref="StepScope"/> with this scheduler.
    /// </summary>
    /// <param name="work">What to run; its first part is a work item too.</param>
    /// <param name="clock">The clock of what it waits for.</param>
    /// <param name="patience">How long, in real time, to wait for work from outside when nothing else is left to do; 5 seconds unless given.</param>
    /// <returns>Ends with the work, and as it does.</returns>
    /// <exception cref="InvalidOperationException">Nothing is left to do, and the work has not ended.</exception>
    public async Task RunToEndAsync(Func<Task> work, TestClock? clock = null, TimeSpan? patience = null)
    {
        ArgumentNullException.ThrowIfNull(work);
        var first = new Beginning(work);
        Schedule(first);
        while (true)
        {
            RunUntilIdle();
            if (first.End is { IsCompleted: true }) break;
            if (MoveToNextTimer(clock) || await ArrivesAsync(patience ?? TimeSpan.FromSeconds(5))) continue;
            throw new InvalidOperationException($"The work has stalled (seed {Seed}, after {Steps} steps): nothing is left to do, no timer is due{(clock is null ? " (no clock was given)" : "")}, and it has not ended.");
        }
        await first.End;
    }

    private static bool MoveToNextTimer(TestClock? clock)
    {
        if (clock?.NextDue is not { } due) return false;
        TimeSpan wait = due - clock.GetUtcNow();
        clock.Advance(wait > TimeSpan.Zero ? wait : TimeSpan.Zero);
        return true;
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
                    throw new InvalidOperationException($"More than {StepLimit} steps (seed {Seed}): the run never rests, or it never ends.");
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

    private async Task<bool> ArrivesAsync(TimeSpan patience)
    {
        Task arrived;
        lock (gate)
        {
            if (ready.Count > 0) return true;
            arrived = (arrival ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
        if (patience <= TimeSpan.Zero) return false;
        await arrived.WaitAsync(patience, TimeProvider.System).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        return arrived.IsCompleted;
    }

    private sealed class Beginning(Func<Task> work) : IThreadPoolWorkItem
    {
        public Task? End { get; private set; }

        public void Execute() => End = RunAsync();

        private async Task RunAsync() => await work();
    }
}
