namespace Sluice;

/// <summary>A function that is executed in a child process: does for it what it asks for.</summary>
/// <remarks>
/// Frames come from the one loop that receives, in the order in which the function has done what they say. Of a processor that resumes from scratch the outputs are written side by side, and each in its order; of others everything is done in one
/// order, as a commit takes what was put out before an item was done, and nothing behind. Nothing here waits for the loop, nor the loop for anything here.
/// </remarks>
internal sealed class ServedCall : IDisposable
{
    private readonly ChildConnection child;
    private readonly Invocation invocation;
    private readonly CancellationTokenSource life = new();           // of what it has asked for
    private readonly TaskCompletionSource<Exception?> outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly WorkTally tally = new();
    private readonly WorkLane? order;                // null where there is none but that of each output
    private readonly ServedOutput[] outputs;
    private readonly ServedReadings readings = new();
    private readonly SentFailures sent = new();
    private readonly Lock sync = new();
    private Exception? fault;
    private volatile bool isLost;
    private bool hasEnded;                           // the receiving loop's

    public ServedCall(ChildConnection child, long number, Invocation invocation)
    {
        (this.child, Number, this.invocation) = (child, number, invocation);
        if (invocation.Choices is null) order = new(tally);
        outputs = [.. invocation.Plan.Outputs.Select((name, index) => new ServedOutput(invocation.Output(name), index, order ?? new(tally)))];
    }

    public long Number { get; }

    /// <summary>How much is remembered of what the function has open, and of what it was told.</summary>
    public (int Readings, int Failures) Held => (readings.Count, sent.Count);

    /// <summary>Whether it was cancelled and has not ended in time; guarded by the connection.</summary>
    public bool IsLate { get; set; }

    /// <summary>Tells the child.</summary>
    public void Begin()
    {
        child.Sender.Say(CallFrame.Plan, Number, CallPlan.Of(invocation).ToBytes());
        ReadOnlySpan<byte> known = invocation.Choices is { } choices ? choices.TakeKnown() : [];
        for (; !known.IsEmpty; known = known[Math.Min(CallLimits.ChoiceBytes, known.Length)..])
            child.Sender.Say(CallFrame.Choices, Number, known[..Math.Min(CallLimits.ChoiceBytes, known.Length)]);
        child.Sender.Say(CallFrame.Begin, Number);
    }

    /// <summary>The function is to stop.</summary>
    public void Cancel() => child.Sender.Say(CallFrame.Cancel, Number);

    /// <summary>The child is gone.</summary>
    public void Lose(ExecutionLostException how)
    {
        isLost = true;
        outcome.TrySetResult(how);
    }

    /// <summary>Ends when the function has, and nothing is done for it any more. What it put out last is not written if the child is gone.</summary>
    public async Task EndedAsync()
    {
        Exception? failure = await outcome.Task.ConfigureAwait(false);
        if (isLost) await life.CancelAsync().ConfigureAwait(false);
        readings.StopAll();
        await tally.EndedAsync().ConfigureAwait(false);
        if ((failure ?? fault) is { } why) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(why);
    }

    /// <summary>When it has ended.</summary>
    public void Dispose()
    {
        readings.StopAll();                          // those that were opened meanwhile
        life.Dispose();
    }

    /// <summary>The receiving loop's. What a function does after its end is lost.</summary>
    public void Take(CallFrame kind, ReadOnlySpan<byte> frame)
    {
        if (hasEnded) return;
        switch (kind)
        {
            case CallFrame.Put:
                ServedOutput output = At(outputs, FrameReader.Number(ref frame));
                byte[] payload = frame.ToArray();
                output.Lane.Add(() => PutAsync(output, payload));
                break;
            case CallFrame.At:
                ServedReading moved = readings.Find(FrameReader.Number(ref frame));
                long delivered = FrameReader.Number(ref frame), passed = FrameReader.Number(ref frame);
                if (order is null) moved.Reader.MoveTo(delivered, passed);
                else order.Add(() => MoveAsync(moved, delivered, passed));
                break;
            case CallFrame.Reach when order is not null:
                bool mayWait = FrameReader.Number(ref frame) != 0;
                order.Add(() => ReachAsync(mayWait));
                break;
            case CallFrame.Chosen when invocation.Choices is { } choices:
                choices.Add((ChoiceKind)FrameReader.Number(ref frame), (int)FrameReader.Number(ref frame), FrameReader.Number(ref frame));
                break;
            case CallFrame.Done:
                hasEnded = true;
                outcome.TrySetResult(null);
                break;
            case CallFrame.Failed:
                hasEnded = true;
                CallFailure failure = CallFailure.Read(frame);
                outcome.TrySetResult(Find(failure));
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
                var from = (ReadFrom)FrameReader.Number(ref frame);
                bool isCounted = FrameReader.Number(ref frame) != 0;
                int number = (int)FrameReader.Number(ref frame);
                bool wasChosen = FrameReader.Number(ref frame) != 0;
                long place = FrameReader.Number(ref frame);
                Answer(question, () => OpenAsync(question, port, from, isCounted, number, wasChosen ? place : null));
                break;
            case CallFrame.Read:
                ServedReading read = readings.Find(FrameReader.Number(ref frame));
                // It begins in its turn; it may take as long as it takes.
                if (order is null) Answer(question, () => ReadAsync(question, read));
                else order.Add(() =>
                {
                    tally.Begin();
                    _ = RunAsync(question, () => ReadAsync(question, read));
                    return ValueTask.CompletedTask;
                });
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

    /// <summary>Does what was asked for, in its turn where there is an order; a failure is the answer.</summary>
    private void Answer(long question, Func<Task> work)
    {
        tally.Begin();
        if (order is null) _ = RunAsync(question, work);
        else order.Add(() => new(RunAsync(question, work)));
    }

    // Throws nothing.
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
            tally.End();
        }
    }

    private async Task OpenAsync(long question, InputPort port, ReadFrom from, bool isCounted, int chooser, long? chosen)
    {
        PortReader reader = await port.OpenAsync(from, isCounted, chooser, chosen, life.Token).ConfigureAwait(false);
        long number = readings.Add(new(port, reader, life.Token));
        child.Sender.Say(CallFrame.Answer, Number, question, number, reader.From);
    }

    private async Task ReadAsync(long question, ServedReading reading)
    {
        ReadOnlyMemory<Entry> values = await reading.Reader.TakeAsync(reading.Life).ConfigureAwait(false);
        foreach (ref readonly Entry value in values.Span)
            if (value.Payload.Length > child.MaxValueBytes)
                throw new FlowException($"The value {value.IdIn(reading.Port.Stream, 0)} has {value.Payload.Length:N0} bytes, and a child process is sent {child.MaxValueBytes:N0} at most (ProcessExecutorOptions.MaxValueBytes). Raise the limit, or store such values elsewhere and send references.") { Run = invocation.Run };
        child.Sender.SayValues(Number, question, reading.Port.IsComplete, values);
    }

    private async Task ReleaseAsync(long question, ServedReading reading)
    {
        await reading.Port.ReleaseAsync(reading.Reader).ConfigureAwait(false);
        child.Sender.Say(CallFrame.Answer, Number, question);
    }

    private async Task SaveAsync(long question, byte[] state)
    {
        await invocation.SaveAsync(state, life.Token).ConfigureAwait(false);
        child.Sender.Say(CallFrame.Answer, Number, question);
    }

    private async ValueTask PutAsync(ServedOutput output, byte[] payload)
    {
        if (isLost || fault is not null) return;
        try
        {
            await output.Port.WriteAsync(payload, PayloadSerializer.Bytes, life.Token).ConfigureAwait(false);
            if (output.Count(payload.Length) is var (values, bytes)) child.Sender.Say(CallFrame.Credit, Number, output.Index, values, bytes);
        }
        catch (Exception e)
        {
            Fault(e);
        }
    }

    private ValueTask MoveAsync(ServedReading reading, long delivered, long passed)
    {
        if (!isLost && fault is null) reading.Reader.MoveTo(delivered, passed);
        return ValueTask.CompletedTask;
    }

    private async ValueTask ReachAsync(bool mayWait)
    {
        if (isLost || fault is not null) return;
        try
        {
            await invocation.ReachAsync(mayWait, life.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Fault(e);
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
        if (!isLost) child.Sender.Say(kind, Number, question, CallFailure.Of(e, sent.Add(e)));
    }

    /// <summary>What has only passed through the function is what it was.</summary>
    private Exception Find(CallFailure failure) => sent.Find(failure.Id) ?? failure.ToException(invocation.Run);

    private static T At<T>(T[] all, long index) => index >= 0 && index < all.Length ? all[index] : throw new InvalidDataException($"there is no stream {index}.");
}
