namespace Sluice;

/// <summary>
/// A processor's function that is executed elsewhere: in another process, on another machine, in another language. This side has the streams, and does what the function asks for; what goes between both sides are messages, which an executor brings over.
/// </summary>
/// <remarks>
/// <para>Made by <see cref="RemoteCalls.OpenRemote"/>. Thread-safe, but for <see cref="Receive"/>, which is called for one message at a time, in their order. docs/writing-an-executor.md says what messages look like; <see cref="RemoteWorker"/> is the other side in .NET.</para>
/// <para>
/// Messages come in the order in which the function has done what they say. Of a processor that resumes from scratch the outputs are written side by side, and each in its order; of others everything is done in one
/// order, as a commit takes what was put out before an item was done, and nothing behind. Nothing here waits for who receives, nor who receives for anything here.
/// </para>
/// </remarks>
public sealed class RemoteCall : IDisposable
{
    private readonly CallFrameWriter writer;
    private readonly Invocation invocation;
    private readonly ProcessorCall call;
    private readonly int maxValueBytes;
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
    private bool wasDisposed;
    private volatile bool hasEnded;                  // what comes now is lost

    internal RemoteCall(ProcessorCall call, SendMessage send, int maxValueBytes)
    {
        (this.call, invocation, this.maxValueBytes) = (call, call.Invocation, maxValueBytes);
        writer = new(send, e => Lose(new($"nothing could be sent to where it is executed: {e.Message}", e)));
        if (invocation.Choices is null) order = new(tally);
        outputs = [.. invocation.Plan.Outputs.Select((name, index) => new ServedOutput(invocation.Output(name), index, order ?? new(tally)))];
    }

    /// <summary>How much is remembered of what the function has open, and of what it was told.</summary>
    internal (int Readings, int Failures) Held => (readings.Count, sent.Count);

    /// <summary>Has the function executed at the other side, to its end, and everything done that it has asked for. Once.</summary>
    /// <param name="cancellation">It is to stop: the other side is told, and the function ends in its own time.</param>
    /// <exception cref="ExecutionLostException">The other side was lost before (<see cref="Lose"/>).</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="FlowException">The function has failed, or something that it has asked for.</exception>
    public Task ExecuteAsync(CancellationToken cancellation) => call.RunAsync(async () =>
    {
        cancellation.ThrowIfCancellationRequested();
        Begin();
        using CancellationTokenRegistration _ = cancellation.UnsafeRegister(static self => ((RemoteCall)self!).writer.Say(CallFrame.Cancel), this);
        try
        {
            await EndedAsync().ConfigureAwait(false);
        }
        catch (ExecutionLostException) when (cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellation);
        }
    });

    /// <summary>Takes a message from the other side. What a function says after its end is ignored.</summary>
    /// <param name="message">The message; copied where it is needed for longer.</param>
    /// <exception cref="InvalidDataException">It is none that could come now: end the other side, and <see cref="Lose"/> the call.</exception>
    public void Receive(ReadOnlySpan<byte> message)
    {
        if (message.IsEmpty) throw new InvalidDataException("A message is empty.");
        Take((CallFrame)message[0], message[1..]);
    }

    /// <summary>The other side is gone, and the function with it: the processor is started again, from where it was.</summary>
    /// <param name="how">What was lost and how, for people.</param>
    public void Lose(ExecutionLostException how)
    {
        ArgumentNullException.ThrowIfNull(how);
        isLost = true;
        outcome.TrySetResult(how);
    }

    /// <summary>When it has ended. One that has not is lost.</summary>
    public void Dispose()
    {
        if (wasDisposed) return;
        wasDisposed = true;
        Lose(new("the executor has let go of the call."));
        hasEnded = true;
        readings.StopAll();                          // those that were opened meanwhile
        writer.Dispose();
        life.Dispose();
    }

    private void Begin()
    {
        writer.Say(CallFrame.Plan, CallPlan.Of(invocation).ToBytes());
        ReadOnlySpan<byte> known = invocation.Choices is { } choices ? choices.TakeKnown() : [];
        for (; !known.IsEmpty; known = known[Math.Min(CallLimits.ChoiceBytes, known.Length)..])
            writer.Say(CallFrame.Choices, known[..Math.Min(CallLimits.ChoiceBytes, known.Length)]);
        writer.Say(CallFrame.Begin);
    }

    private async Task EndedAsync()
    {
        Exception? failure = await outcome.Task.ConfigureAwait(false);
        if (isLost) await life.CancelAsync().ConfigureAwait(false);
        readings.StopAll();
        await tally.EndedAsync().ConfigureAwait(false);
        if ((failure ?? fault) is { } why) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(why);
    }

    private void Take(CallFrame kind, ReadOnlySpan<byte> frame)
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
        writer.Say(CallFrame.Answer, question, number, reader.From);
    }

    private async Task ReadAsync(long question, ServedReading reading)
    {
        ReadOnlyMemory<Entry> values = await reading.Reader.TakeAsync(reading.Life).ConfigureAwait(false);
        foreach (ref readonly Entry value in values.Span)
            if (value.Payload.Length > maxValueBytes)
                throw new FlowException($"The value {value.IdIn(reading.Port.Stream, 0)} has {value.Payload.Length:N0} bytes, and a child process is sent {maxValueBytes:N0} at most (ProcessExecutorOptions.MaxValueBytes). Raise the limit, or store such values elsewhere and send references.") { Run = invocation.Run };
        writer.SayValues(question, reading.Port.IsComplete, values);
    }

    private async Task ReleaseAsync(long question, ServedReading reading)
    {
        await reading.Port.ReleaseAsync(reading.Reader).ConfigureAwait(false);
        writer.Say(CallFrame.Answer, question);
    }

    private async Task SaveAsync(long question, byte[] state)
    {
        await invocation.SaveAsync(state, life.Token).ConfigureAwait(false);
        writer.Say(CallFrame.Answer, question);
    }

    private async ValueTask PutAsync(ServedOutput output, byte[] payload)
    {
        if (isLost || fault is not null) return;
        try
        {
            await output.Port.WriteAsync(payload, PayloadSerializer.Bytes, life.Token).ConfigureAwait(false);
            if (output.Count(payload.Length) is var (values, bytes)) writer.Say(CallFrame.Credit, output.Index, values, bytes);
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
        if (!isLost) writer.Say(kind, question, CallFailure.Of(e, sent.Add(e)));
    }

    /// <summary>What has only passed through the function is what it was.</summary>
    private Exception Find(CallFailure failure) => sent.Find(failure.Id) ?? failure.ToException(invocation.Run);

    private static T At<T>(T[] all, long index) => index >= 0 && index < all.Length ? all[index] : throw new InvalidDataException($"there is no stream {index}.");
}
