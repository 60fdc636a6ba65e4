using System.Diagnostics;
using System.Runtime.CompilerServices;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Topologies;

namespace Sluice.Executors;

/// <summary>A function that this process executes for another process, which has its streams.</summary>
/// <remarks>The receiving loop passes frames in; all other calls come from the function's threads.</remarks>
internal sealed class RemoteInvocation : IInvocation, IItemBoundary, IChoices, IDisposable
{
    private readonly RemoteWorker worker;
    private readonly CallFrameWriter writer;
    private readonly CallPlan plan;
    private readonly Dictionary<string, RemoteInput> inputs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RemoteOutput> outputs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, OutputGate> gates = new(StringComparer.Ordinal);
    private readonly Lock sync = new();
    private readonly Dictionary<long, TaskCompletionSource<byte[]>> asked = [];
    private readonly ConditionalWeakTable<Exception, StrongBox<long>> received = [];
    private readonly CancellationTokenSource stopping = new();
    private readonly ChoiceReplay? known;
    private readonly ItemLoops? loops;
    private long questions;
    private Exception? fault;
    private volatile bool hasEnded;

    public RemoteInvocation(RemoteWorker worker, CallFrameWriter writer, CallPlan plan)
    {
        (this.worker, this.writer, this.plan) = (worker, writer, plan);
        Serializers = new(worker.Options.Serializers, Run);
        if (Plan.Resume == ResumeMode.FromScratch) known = new();
        if (Plan.Resume == ResumeMode.PerItem) loops = new(Plan.Name);
        Telemetry = new(worker.Find(Plan.Name)?.Telemetry ?? new(Plan.Name), Run, Attempt, worker.Options.Time);
        Time = known is null ? worker.Options.Time : new ChosenClock(this, worker.Options.Time);
        for (int i = 0; i < Plan.Inputs.Length; i++) inputs.Add(Plan.Inputs[i], new(this, Plan.Inputs[i], i));
        for (int i = 0; i < Plan.Outputs.Length; i++)
            outputs.Add(Plan.Outputs[i], new(this, Stream(Plan.Outputs[i]), i, worker));
        foreach (var (name, output) in outputs) gates.Add(name, new(output, Plan.Name, Run, Warnings.Tell, stopping.Token));
    }

    public string Run => plan.Run;

    public ProcessorPlan Plan => plan.Processor;

    public int Start => plan.Start;

    public int Attempt => plan.Attempt;

    public TimeProvider Time { get; }

    public StartTelemetry Telemetry { get; }

    public FlowSerializers Serializers { get; }

    public byte[]? State => plan.State;

    public IInputPort Input(string name) => inputs.Find("input", name, Plan);

    public IOutputPort Output(string name) => gates.Find("output", name, Plan);

    public StreamPlan Stream(string name) => Array.Find(plan.Streams, one => one.Name == name)
        ?? throw new FlowException(NearNames.Explain("stream", name, [.. plan.Streams.Select(stream => stream.Name)])) { Run = Run };

    /// <summary>Executes the function, and reports how it has ended.</summary>
    public async Task RunAsync(BoundFunction? function)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        ContinuedSpan? span = FlowSpans.BeginFunction(Run, Plan.Name, plan.Trace, plan.TraceState);
        if (Activity.Current != span?.Activity) Activity.Current = span?.Activity;
        Telemetry.Begin(span);
        Exception? failure = null;
        try
        {
            if (function is null) throw new FlowException(worker.Lacks(Plan.Name)) { Run = Run };
            Declarations.Check(Plan, function, "worker");      // the worker may run an older program than the service
            FlowTypes.Check(plan.Streams, Plan, function);
            await function.RunAsync(this, worker.Services, stopping.Token).ConfigureAwait(false);
            loops?.Check();
            foreach (OutputGate gate in gates.Values) gate.Close();
            foreach (OutputGate gate in gates.Values) await gate.FinishAsync(CancellationToken.None).ConfigureAwait(false);
            End();
            writer.Say(CallFrame.Done);
        }
        catch (Exception e)
        {
            failure = e;
            foreach (OutputGate gate in gates.Values) await gate.SettleAsync().ConfigureAwait(false);
            End();
            writer.Say(CallFrame.Failed, question: null,
                CallFailure.Of(e, received.TryGetValue(e, out StrongBox<long>? id) ? id.Value : 0,
                    isOwn: !stopping.IsCancellationRequested, Run));
        }
        hasEnded = true;
        Fail(new InvalidOperationException(
            $"The function of the processor {Plan.Name} has ended: nothing can be read or put out any more."));

        // Before the service knows: it may end this process then.
        void End()
        {
            Telemetry.Finish(failure);
            span?.End(failure);
            span = null;
        }
    }

    /// <summary>Call it when the function has ended.</summary>
    public void Dispose()
    {
        stopping.Dispose();
        foreach (RemoteOutput output in outputs.Values) output.Dispose();
    }

    /// <summary>Loads choices of earlier starts, to be replayed.</summary>
    public void Know(ReadOnlySpan<byte> choices) => known?.Load(choices);

    public void Cancel()
    {
        if (!hasEnded) _ = stopping.CancelAsync();
    }

    public void TakeAnswer(long question, ReadOnlySpan<byte> answer) => Take(question)?.TrySetResult(answer.ToArray());

    public void TakeRefusal(long question, CallFailure failure) => Take(question)?.TrySetException(Receive(failure));

    public void TakeFault(CallFailure failure) => Fail(Receive(failure));

    /// <exception cref="InvalidDataException">There is no such output, or not so much of it on its way.</exception>
    public void TakeCredit(long output, long values, long bytes)
    {
        if (output < 0 || output >= Plan.Outputs.Length) throw new InvalidDataException($"there is no output {output}.");
        outputs[Plan.Outputs[output]].Refill(values, bytes);
    }

    /// <summary>Fails all open and later requests of the function.</summary>
    public void Fail(Exception why)
    {
        TaskCompletionSource<byte[]>[] open;
        lock (sync)
        {
            fault ??= why;
            open = [.. asked.Values];
            asked.Clear();
        }
        foreach (TaskCompletionSource<byte[]> one in open) one.TrySetException(why);
        foreach (RemoteOutput output in outputs.Values) output.Wake();
    }

    public void ThrowIfFailed()
    {
        if (Volatile.Read(ref fault) is { } why) throw why;
    }

    /// <summary>Sends a question to the other process, and returns its answer.</summary>
    public Task<byte[]> AskAsync(CallFrame kind, params ReadOnlySpan<long> numbers) => AskAsync(kind, out _, numbers);

    /// <inheritdoc cref="AskAsync(CallFrame, ReadOnlySpan{long})"/>
    /// <param name="kind">The kind of question.</param>
    /// <param name="question">The number of the question.</param>
    /// <param name="numbers">Its content.</param>
    public Task<byte[]> AskAsync(CallFrame kind, out long question, params ReadOnlySpan<long> numbers)
    {
        (question, Task<byte[]> answer) = Ask();
        writer.Say(kind, [question, .. numbers]);
        return answer;
    }

    /// <summary>Whether the service knows reads ahead, and waits for them.</summary>
    public bool SaysWaits => plan.TakesWaits;

    public void Put(long output, ReadOnlySpan<byte> payload, EntryTrace? trace)
    {
        if (trace is null || !plan.TakesTraces) writer.Say(CallFrame.Put, output, payload);
        else writer.SayTraced(output, trace.ToHeaders(), payload);
    }

    public void TellPlace(long reading, long delivered, long passed) => writer.Say(CallFrame.At, reading, delivered, passed);

    public ValueTask ReachAsync(bool mayWait, CancellationToken cancellation)
    {
        if (Plan.Resume != ResumeMode.PerItem) return ValueTask.CompletedTask;
        ThrowIfFailed();
        foreach (RemoteInput input in inputs.Values) input.TellPlaces();
        writer.Say(CallFrame.Reach, mayWait ? 1 : 0);
        return ValueTask.CompletedTask;
    }

    public async ValueTask<long> ChooseAsync(ChoiceKind kind, int number, Func<ValueTask<long>> choose)
    {
        if (known is null) return await choose().ConfigureAwait(false);
        if (known.Replay(kind, number) is { } before) return before;
        long chosen = await choose().ConfigureAwait(false);
        Add(kind, number, chosen);
        return chosen;
    }

    /// <summary>Not supported: the other process stores positions when it opens a reader.</summary>
    public ValueTask PlaceAsync(string stream, long place) => throw new NotSupportedException();

    public IDisposable? Enter(string streams) => loops?.Enter(streams);

    public int NumberOf(ChoiceKind kind, string streams) => known?.NumberOf(kind, streams) ?? 0;

    public long? Replay(ChoiceKind kind, int number) => known?.Replay(kind, number);

    public void Add(ChoiceKind kind, int chooser, long value) => writer.Say(CallFrame.Chosen, (long)kind, chooser, value);

    public async Task SaveAsync(byte[] state, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (state.Length > worker.MaxValueBytes) throw new FlowException(
            $"The processor {Plan.Name} was to save a state of {state.Length:N0} bytes, and {worker.Limit}. Save a reference to "
                + "it.")
        {
            Run = Run,
            Processor = Plan.Name
        };
        foreach (RemoteInput input in inputs.Values) input.TellPlaces();
        var (question, answer) = Ask();
        writer.Say(CallFrame.Save, question, state);
        // Only the end of the function ends the wait. A caller that cancels this call alone could not know whether the state is saved; a
        // function in the service waits in the same way.
        await answer.WaitAsync(stopping.Token).ConfigureAwait(false);
    }

    private (long Question, Task<byte[]> Answer) Ask()
    {
        var answer = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (sync)
        {
            if (fault is not null) throw fault;
            asked.Add(++questions, answer);
            return (questions, answer.Task);
        }
    }

    private TaskCompletionSource<byte[]>? Take(long question)
    {
        lock (sync) return asked.Remove(question, out TaskCompletionSource<byte[]>? answer) ? answer : null;
    }

    /// <summary>Makes the exception, and notes its id, so that the other process gets its own exception back.</summary>
    private Exception Receive(CallFailure failure)
    {
        Exception made = failure.ToException(Run);
        received.Add(made, new(failure.Id));
        return made;
    }
}
