using System.Diagnostics;
using Sluice.Diagnostics;
using Sluice.Policies;

namespace Sluice.Flows;

/// <summary>One start of a processor for a run: its ports, its state, and their commits.</summary>
/// <remarks>Thread-safe for all that a function may use.</remarks>
internal sealed partial class Invocation : IInvocation, IItemBoundary, IDisposable
{
    private const int MaxState = 256 << 10;         // each commit has it, as text

    private readonly SupervisorCore core;
    private readonly StoreRetrier calls;
    private readonly RunPlan run;
    private readonly BoundFunction function;
    private readonly ItemCommits? commits;
    private readonly ChoiceLog choices;
    private readonly Dictionary<string, InputPort> inputs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, OutputGate> outputs = new(StringComparer.Ordinal);
    private readonly DeadlockDetector deadlocks;
    private readonly ExecutionSlot slot;
    private readonly WorkPartition partition;
    private readonly FunctionTimeout? limit;
    private readonly CancellationToken life;
    private readonly ItemLoops? loops;
    private readonly bool wasTried;                  // an earlier start may have written choices
    private readonly long begun;

    private Invocation(SupervisorCore core, RunPlan run, ProcessorPlan plan, Assignment assignment, bool isCounted,
        BoundFunction function, WorkPartition partition, DeadlockDetector deadlocks, ExecutionSlot slot, CancellationToken life)
    {
        (this.deadlocks, this.slot, limit, IsCounted) = (deadlocks, slot, slot.Limit, isCounted);
        begun = core.Options.Time.GetTimestamp();
        calls = core.Calls.WatchedBy(limit);
        this.partition = partition;
        wasTried = assignment.Starts > 1 || assignment.Failures > 0;
        Attempt = assignment.Failures + 1;
        (this.core, this.run, Plan, Start, this.function, this.life, Stored) = (core, run, plan, assignment.Starts, function, life,
            assignment);
        Serializers = new(core.Options.Serializers, run.Run);
        Telemetry = new(function.Telemetry, run.Run, Attempt, core.Options.Time);
        choices = new(calls, FlowNames.Choices(run.Run, plan.Name), plan.Name);
        Time = plan.Resume == ResumeMode.FromScratch ? new ChosenClock(choices, core.Options.Time) : core.Options.Time;
        if (plan.Resume == ResumeMode.PerItem) loops = new(plan.Name);
        if (plan.Resume != ResumeMode.FromScratch) commits = new(calls, partition, plan, assignment, life);
    }

    public string Run => run.Run;

    public ProcessorPlan Plan { get; }

    public int Start { get; }

    public int Attempt { get; }

    public TimeProvider Time { get; }

    public StartTelemetry Telemetry { get; }

    /// <summary>The trace of the function; null if it has none.</summary>
    public EntryTrace? Trace { get; private set; }

    public FlowSerializers Serializers { get; }

    /// <summary>The state that the function has saved last.</summary>
    public byte[]? State => Stored.State;

    public Assignment Stored
    {
        get => commits?.Stored ?? field;
        private set;
    }

    public IEnumerable<InputPort> Inputs => inputs.Values;

    /// <summary>The number of values of each output.</summary>
    public IEnumerable<(string Output, long Count)> Counts => outputs.Values.Select(port => (port.Name, port.Count));

    public static async Task<Invocation> OpenAsync(
        SupervisorCore core, RunPlan run, ProcessorPlan plan, Assignment assignment, bool isCounted, BoundFunction function,
            WorkPartition partition, DeadlockDetector deadlocks, ExecutionSlot slot, CancellationToken life)
    {
        var invocation = new Invocation(core, run, plan, assignment, isCounted, function, partition, deadlocks, slot, life);
        try
        {
            await invocation.OpenAsync(assignment).ConfigureAwait(false);
            return invocation;
        }
        catch
        {
            invocation.Dispose();
            throw;
        }
    }

    /// <summary>The choices of a processor that resumes from scratch; null for others.</summary>
    public ChoiceLog? Choices => commits is null ? choices : null;

    public InputPort Input(string name) => inputs.Find("input", name, Plan);

    IInputPort IInvocation.Input(string name) => Input(name);

    public IOutputPort Output(string name) => outputs.Find("output", name, Plan);

    public StreamPlan Stream(string name) => run.Stream(name);

    /// <summary>Runs the function, and stores its output, except for what the last commit stores.</summary>
    public async Task ExecuteAsync(IExecutor executor)
    {
        ContinuedSpan? span = FlowSpans.BeginProcessor(run, Plan.Name, Attempt);
        // Of this asynchronous method. The registration may have had an activity, which is not the caller's.
        if (Activity.Current != span?.Activity) Activity.Current = span?.Activity;
        Trace = span?.Context;
        Telemetry.Begin(span);
        Exception? failure = null;
        var observed = new ObservedStart(this, core, life);
        ProcessorGauges.Started(observed);
        try
        {
            await ExecuteInsideAsync(executor).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            failure = e;
            throw;
        }
        finally
        {
            ProcessorGauges.Ended(observed, failure is null ? "completed" : life.IsCancellationRequested ? "cancelled" : "failed");
            Telemetry.Finish(failure);
            span?.End(failure);
        }
    }

    private async Task ExecuteInsideAsync(IExecutor executor)
    {
        string what = $"The processor {Plan.Name} of the run {Run}";
        using (var entering = CancellationTokenSource.CreateLinkedTokenSource(life))
            await WaitUncountedAsync(slot.EnterAsync(entering.Token), entering).ConfigureAwait(false);
        limit?.GoOn();
        slot.Use();
        slot.BeginItem();                            // the wait for the slot does not count
        using var until = CancellationTokenSource.CreateLinkedTokenSource(life, limit?.Token ?? CancellationToken.None);
        try
        {
            using var calling = CallingFunction.Begin(core, Run, Plan);
            var call = new ProcessorCall(this, cancellation => CallAsync(calling, cancellation));
            var own = new FunctionLife(core, what, until.Token);
            await using (own.ConfigureAwait(false))
            await using (new StopTimeoutWarning(core, what, () => partition.Silence, until.Token).ConfigureAwait(false))
                await ExecuteAsync(executor, call, until, own.Token).ConfigureAwait(false);
            await call.CheckAsync(executor, IsLeft).ConfigureAwait(false);
        }
        catch (Exception e) when (HasTimedOut)
        {
            throw TooLong(e);
        }
        finally
        {
            await slot.LeaveAsync().ConfigureAwait(false);
        }
        life.ThrowIfCancellationRequested();         // a stopped function that returns has not completed
        if (HasTimedOut) throw TooLong(null);
        loops?.Check();
        foreach (OutputGate output in outputs.Values) output.Close();
        foreach (OutputGate output in outputs.Values) await output.FinishAsync(life).ConfigureAwait(false);
    }

    private bool HasTimedOut => limit is { Token.IsCancellationRequested: true } && !life.IsCancellationRequested;

    private FlowException TooLong(Exception? e)
        => new($"It has worked for longer than {DurationText.Of(Plan.Timeout!.Value)}{(loops is null ? "" : " on one item")}, not counting "
        + $"what it waited for (Processor.Timeout).", e is OperationCanceledException ? null : e)
        { Run = Run };

    /// <summary>
    /// Commits the items that a failed attempt has completed, so that the next attempt continues after them. Never throws.
    /// </summary>
    public async Task KeepAsync()
    {
        if (loops is null) return;
        try
        {
            await commits!.CommitAsync(Stored.State, onlyPassed: true).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The next attempt repeats them.
        }
    }

    /// <summary>Ends the processor in its last commit, with all staged output.</summary>
    /// <returns>Whether it did; if the processor stages nothing, its host ends it.</returns>
    public async Task<bool> EndAsync(Func<Assignment, StoreCommit, StoreCommit> end)
    {
        if (commits is null) return false;
        await commits.EndAsync(end).ConfigureAwait(false);
        return true;
    }

    /// <summary>Waits after a failure or a stop until no append or commit runs any more. Never throws.</summary>
    public async Task SettleAsync()
    {
        foreach (OutputGate output in outputs.Values) await output.SettleAsync().ConfigureAwait(false);
        if (commits is not null) await commits.StopAsync().ConfigureAwait(false);
    }

    public ValueTask ReachAsync(bool mayWait, CancellationToken cancellation)
    {
        if (loops is null) return ValueTask.CompletedTask;
        if (HasTimedOut) throw TooLong(null);        // the item before may have ended because of its token
        loops.Check();
        slot.BeginItem();
        return commits!.PassAsync(mayWait);
    }

    public IDisposable? Enter(string streams)
    {
        PassLeft();
        return loops?.Enter(streams);
    }

    /// <summary>Counts the values of loops that the function has left as processed: it begins another loop.</summary>
    public void PassLeft()
    {
        if (loops is null) return;
        foreach (InputPort input in inputs.Values) input.PassCurrent(onlyLeft: true);
    }

    /// <summary>Awaits a task; the function, which is elsewhere, waits for it, too, and its slot is free meanwhile.</summary>
    public Task WaitAsync(Task waited) => slot.WaitAsync(waited);

    public int NumberOf(ChoiceKind kind, string streams) => choices.NumberOf(kind, streams);

    public async ValueTask<long> ChooseAsync(ChoiceKind kind, int number, Func<ValueTask<long>> choose)
    {
        if (commits is not null) return await choose().ConfigureAwait(false);
        if (choices.Replay(kind, number) is { } known) return known;
        long chosen = await choose().ConfigureAwait(false);
        choices.Add(kind, number, chosen);
        return chosen;
    }

    public ValueTask PlaceAsync(string stream, long place) => commits?.PlaceAsync(stream, place) ?? ValueTask.CompletedTask;

    public async Task SaveAsync(byte[] state, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (HasTimedOut) throw TooLong(null);
        if (state.Length > MaxState)
            throw new FlowException(
                $"The processor {Plan.Name} was to save a state of {state.Length:N0} bytes; the limit is {MaxState:N0}. Save a reference "
                    + $"to it.")
            { Run = Run, Processor = Plan.Name };
        foreach (InputPort input in inputs.Values) input.PassCurrent();
        await commits!.CommitAsync(state).ConfigureAwait(false);
    }

    public void Dispose()
    {
        choices.Dispose();
        commits?.Dispose();
    }

    private async Task OpenAsync(Assignment assignment)
    {
        foreach (string name in Plan.Inputs)
        {
            string keeper = ReaderNames.Of(Plan.Name);
            var port = new PortPlan(Run, name, keeper, Plan.Wait ? null : ReaderNames.Gate(keeper),
                assignment.Inputs.GetValueOrDefault(name, 1))
            {
                Writer = run.WriterOf(name),
                Processor = Plan.Name,
                IsOnce = commits is not null,
                IsPlaced = assignment.Inputs.ContainsKey(name)
            };
            inputs.Add(name, new(calls, port, this, slot, life) { OnWaiting = UncountIdleAsync, OnFirstValue = CountAgainAsync });
        }
        foreach (string name in Plan.Outputs)
        {
            var stream = new OutputStream(calls, Run, run.Stream(name), Plan.Name, deadlocks, slot, life)
            {
                Telemetry = Telemetry
            };
            IOutputPort port = commits is not null ? new StagedOutput(stream, commits.Staging, 0)
                : await NumberedOutput.OpenAsync(stream, Serializers.Of(name), choices, assignment, life).ConfigureAwait(false);
            outputs.Add(name, new(port, Plan.Name, Run, core.Warn, life));
        }
        if (commits is null) await choices.LoadAsync(mayBeWritten: wasTried, life).ConfigureAwait(false);
        commits?.Connect([.. inputs.Values], [.. outputs.Values.Select(output => output.Port).OfType<StagedOutput>()]);
        deadlocks.Watch(inputs.Values);
        if (function.Reads is { } reads)
            foreach (InputPort input in inputs.Values)
                if (!reads.Contains(input.Name)) await input.CloseAsync().ConfigureAwait(false);
    }
}
