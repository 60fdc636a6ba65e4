using Sluice.ChildProcesses;
using Sluice.Diagnostics;
using Sluice.Executors;

namespace Sluice.Flows;

/// <summary>The service's side of a function that is executed elsewhere. It has the streams, and serves the function's messages.</summary>
/// <remarks>
/// <para>
/// An executor carries the messages; docs/writing-an-executor.md describes them. <see cref="RemoteWorker"/> is the other side in .NET.
/// Thread-safe, except <see cref="Receive"/>: pass it one message at a time, in order.
/// </para>
/// <para>
/// Messages arrive in the order of the function's actions. If the processor resumes from scratch, each output has its own order. Otherwise
/// all actions have one order, because a commit has exactly the output up to an item.
/// Neither side waits for the other to receive.
/// </para>
/// </remarks>
public sealed partial class RemoteCall : IDisposable
{
    private readonly CallFrameWriter writer;
    private readonly Invocation invocation;
    private readonly ProcessorCall call;
    private readonly int maxValueBytes;
    private readonly string place;                   // where the function is, for errors: "a child process"
    private readonly string limit;                   // the option of the executor that sets maxValueBytes, in parentheses; or empty
    private readonly CancellationTokenSource life = new();           // of the function's requests
    private readonly TaskCompletionSource<Exception?> outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly WorkTally tally = new();
    private readonly WorkLane? order;                // null: only each output has an order
    private readonly ServedOutput[] outputs;
    private readonly ServedReadings readings = new();
    private readonly OpenReads reads = new();
    private readonly SentFailures sent = new();
    private readonly Lock sync = new();
    private Exception? fault;
    private volatile bool isLost;
    private bool wasDisposed;
    private volatile bool isExecuting;               // and not only opened
    private volatile bool hasEnded;                  // later messages are lost
    private volatile bool isCancelled;

    internal RemoteCall(ProcessorCall call, Action<ReadOnlySpan<byte>> send, int maxValueBytes, string place, string? option)
    {
        (this.call, invocation, this.maxValueBytes) = (call, call.Invocation, maxValueBytes);
        (this.place, limit) = (place, option is null ? "" : $" ({option})");
        writer = new(send, e => Lose(new($"nothing could be sent to where it is executed: {e.Message}", e)));
        if (invocation.Choices is null) order = new(tally);
        outputs = [.. invocation.Plan.Outputs.Select((name, index) => new ServedOutput(invocation.Output(name), index, order
            ?? new(tally)))];
    }

    /// <summary>The number of readers and failures remembered for the function.</summary>
    internal (int Readings, int Failures) Held => (readings.Count, sent.Count);

    /// <summary>Has the other side execute the function to its end, with all its requests. Call it once.</summary>
    /// <param name="cancellation">Asks the other side to stop; the function ends in its own time.</param>
    /// <exception cref="ExecutionLostException">The other side was lost (<see cref="Lose"/>).</exception>
    /// <exception cref="OperationCanceledException">The execution was cancelled.</exception>
    /// <exception cref="FlowException">The function, or one of its requests, has failed.</exception>
    public Task ExecuteAsync(CancellationToken cancellation) => call.RunAsync(async () =>
    {
        isExecuting = true;
        cancellation.ThrowIfCancellationRequested();
        Begin();
        using CancellationTokenRegistration _ = cancellation.UnsafeRegister(static self => ((RemoteCall)self!).Cancel(), this);
        try
        {
            await EndedAsync().ConfigureAwait(false);
        }
        catch (ExecutionLostException) when (cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellation);
        }
    });

    /// <summary>Receives a message from the other side. Messages after the function's end, or after <see cref="Lose"/>, are ignored.</summary>
    /// <param name="message">The message; copied if needed for longer.</param>
    /// <exception cref="InvalidDataException">The message is invalid, or not allowed now. End the other side, and <see cref="Lose"/> the
    /// call.</exception>
    public void Receive(ReadOnlySpan<byte> message)
    {
        if (message.IsEmpty) throw new InvalidDataException("A message is empty.");
        Take((CallFrame)message[0], message[1..]);
    }

    /// <summary>Reports that the other side is gone, with the function. The processor is started again from its last position.</summary>
    /// <remarks>
    /// After the function's end it has no effect: all outputs have arrived before, and are still written. But after the cancellation,
    /// outputs that wait for room are dropped.
    /// </remarks>
    /// <param name="how">What was lost and how, for people.</param>
    public void Lose(ExecutionLostException how)
    {
        ArgumentNullException.ThrowIfNull(how);
        if (outcome.TrySetResult(how)) isLost = true;
        else if (isCancelled) Drop(how);
    }

    /// <summary>Gives up the outputs of an ended function that are not written yet. That is no success.</summary>
    private void Drop(ExecutionLostException how)
    {
        lock (sync) fault ??= how;
        isLost = true;
        _ = life.CancelAsync();
    }

    /// <summary>Call it when the execution has ended; before, it loses the call.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref wasDisposed, true)) return;
        var gone = new ExecutionLostException("the executor has let go of the call before its end: it has disposed the RemoteCall, "
            + "or has not awaited its ExecuteAsync.");
        if (outcome.TrySetResult(gone)) isLost = true;
        else Drop(gone);
        if (isExecuting) call.LetGo();               // or a return of the executor would be an error, or none, by chance
        hasEnded = true;
        readings.StopAll();                          // those opened meanwhile
        writer.Dispose();                            // and not `life`: an execution that still ends cancels it
    }

    private void Cancel()
    {
        isCancelled = true;
        writer.Say(CallFrame.Cancel);
    }

    private void Begin()
    {
        invocation.Telemetry.NoteLoop();             // the durations are measured where the function is
        writer.Say(CallFrame.Plan, CallPlan.Of(invocation).ToBytes());
        ReadOnlySpan<byte> known = invocation.Choices is { } choices ? choices.TakeKnown() : [];
        for (; !known.IsEmpty; known = known[Math.Min(CallLimits.ChoiceBytes, known.Length)..])
            writer.Say(CallFrame.Choices, known[..Math.Min(CallLimits.ChoiceBytes, known.Length)]);
        writer.Say(CallFrame.Begin);
    }

    private async Task EndedAsync()
    {
        Exception? failure = await outcome.Task.ConfigureAwait(false);
        if (isLost || failure is ExecutionLostException) await life.CancelAsync().ConfigureAwait(false);
        readings.StopAll();
        await tally.EndedAsync().ConfigureAwait(false);
        if ((failure ?? fault) is { } why) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(why);
    }

    private void Take(CallFrame kind, ReadOnlySpan<byte> frame)
    {
        if (hasEnded || isLost) return;              // what a lost side has sent before must not keep the call from its end
        switch (kind)
        {
            case CallFrame.Put:
                ServedOutput output = At(outputs, FrameReader.Number(ref frame));
                output.Expect(frame.Length);
                byte[] payload = frame.ToArray();
                output.Lane.Add(() => PutAsync(output, payload, null));
                break;
            case CallFrame.PutTraced:
                ServedOutput traced = At(outputs, FrameReader.Number(ref frame));
                var trace = EntryTrace.FromHeaders(FrameReader.Sized(ref frame));
                traced.Expect(frame.Length);
                byte[] value = frame.ToArray();
                traced.Lane.Add(() => PutAsync(traced, value, trace));
                break;
            case CallFrame.At:
                ServedReading moved = readings.Find(FrameReader.Number(ref frame));
                long delivered = FrameReader.Number(ref frame), passed = FrameReader.Number(ref frame);
                moved.Expect(delivered, passed);
                if (order is null) moved.MoveTo(delivered, passed);
                else order.Add(() => MoveAsync(moved, delivered, passed));
                break;
            case CallFrame.Reach when order is not null:
                bool mayWait = FrameReader.Number(ref frame) != 0;
                order.Add(() => ReachAsync(mayWait));
                break;
            case CallFrame.Chosen when invocation.Choices is { } choices:
                var kindOfChoice = (ChoiceKind)InRange("kind of choice", FrameReader.Number(ref frame), 1, (long)ChoiceKind.Clock);
                int by = Chooser(FrameReader.Number(ref frame));
                long choice = FrameReader.Number(ref frame), least = kindOfChoice == ChoiceKind.Clock ? 0 : long.MinValue;
                choices.Add(kindOfChoice, by, InRange("choice", choice, least, least == 0 ? DateTime.MaxValue.Ticks : long.MaxValue));
                break;
            case CallFrame.Done:
                outcome.TrySetResult(null);
                hasEnded = true;
                break;
            case CallFrame.Failed:
                CallFailure failure = CallFailure.Read(frame);
                outcome.TrySetResult(Find(failure));
                hasEnded = true;
                break;
            default:
                TakeQuestion(kind, FrameReader.Number(ref frame), frame);
                break;
        }
    }

    private void TakeQuestion(CallFrame kind, long question, ReadOnlySpan<byte> frame)
    {
        switch (kind)
        {
            case CallFrame.Open:
                InputPort port = invocation.Input(At(invocation.Plan.Inputs, FrameReader.Number(ref frame)));
                var from = (ReadFrom)InRange("begin of a reading", FrameReader.Number(ref frame), 0, (long)ReadFrom.New);
                bool isCounted = FrameReader.Number(ref frame) != 0;
                int number = Chooser(FrameReader.Number(ref frame));
                bool wasChosen = FrameReader.Number(ref frame) != 0;
                long place = InRange("place", FrameReader.Number(ref frame), wasChosen ? 1 : long.MinValue, long.MaxValue);
                bool knowsTraces = !frame.IsEmpty && FrameReader.Number(ref frame) != 0;
                Answer(question, () => OpenAsync(question, port, from, isCounted, number, wasChosen ? place : null, knowsTraces));
                break;
            case CallFrame.Read:
                ServedReading read = readings.Find(FrameReader.Number(ref frame));
                bool isAhead = !frame.IsEmpty && FrameReader.Number(ref frame) != 0;
                reads.Begin(question);
                // A function that asks for more has processed all that it was sent. From scratch, places serve only the backpressure.
                if (order is null && !isAhead && read.Reader.Next is var next) read.MoveTo(next, next);
                // Reads begin in order, but do not wait for each other.
                if (order is null) Answer(question, () => ReadAsync(question, read, isAhead));
                else order.Add(() =>
                {
                    tally.Begin();
                    _ = RunAsync(question, () => ReadAsync(question, read, isAhead));
                    return ValueTask.CompletedTask;
                });
                break;
            case CallFrame.Wait:
                Task answered = reads.FirstOf(frame);
                tally.Begin();
                _ = RunAsync(question, () => WaitAsync(question, answered));
                break;
            case CallFrame.Release:
                ServedReading released = readings.Stop(FrameReader.Number(ref frame));
                Answer(question, () => ReleaseAsync(question, released));
                break;
            case CallFrame.Save:
                byte[] state = frame.ToArray();
                Answer(question, () => SaveAsync(question, state));
                break;
            default:
                throw new InvalidDataException($"a frame of the kind {(byte)kind}.");
        }
    }

    /// <summary>Handles a question, in order if there is one; a failure is its answer.</summary>
    private void Answer(long question, Func<Task> work)
    {
        tally.Begin();
        if (order is null) _ = RunAsync(question, work);
        else order.Add(() => new(RunAsync(question, work)));
    }

    // Never throws.
    private async Task RunAsync(long question, Func<Task> work)
    {
        try
        {
            if (fault is { } earlier) throw earlier;
            await work().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Say(CallFrame.Refusal, question, e);
        }
        finally
        {
            reads.End(question);                     // does nothing for another question
            tally.End();
        }
    }

    private void Fault(Exception e)
    {
        lock (sync)
        {
            if (fault is not null) return;
            fault = e;
        }
        Say(CallFrame.Fault, question: null, e);
    }

    private void Say(CallFrame kind, long? question, Exception e)
    {
        if (!isLost && !hasEnded) writer.Say(kind, question, CallFailure.Of(e, sent.Add(e)));
    }

    /// <summary>The original exception, if the function has only passed one on; otherwise one made from the text.</summary>
    private Exception Find(CallFailure failure) => sent.Find(failure.Id) ?? failure.ToException(invocation.Run);

    private static int Chooser(long number) => (int)InRange("chooser", number, int.MinValue, int.MaxValue);

    private static long InRange(string what, long number, long least, long most) => number >= least && number <= most ? number
        : throw new InvalidDataException($"there is no {what} {number}.");

    private static T At<T>(T[] all, long index) => index >= 0 && index < all.Length ? all[index]
        : throw new InvalidDataException($"there is no stream {index}.");
}
