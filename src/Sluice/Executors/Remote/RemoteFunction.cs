namespace Sluice;

/// <summary>A processor's function that is executed here for a service that has its streams.</summary>
/// <remarks>Made by <see cref="RemoteWorker.Open"/>. Thread-safe, but for <see cref="Receive"/>, which is called for one message at a time, in their order.</remarks>
public sealed class RemoteFunction : IDisposable
{
    private readonly RemoteWorker worker;
    private readonly CallFrameWriter writer;
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock sync = new();              // what follows
    private ChildCall? call;
    private Task running = Task.CompletedTask;
    private bool hasBegun;
    private bool isOver;

    internal RemoteFunction(RemoteWorker worker, SendMessage send)
    {
        this.worker = worker;
        writer = new(send, _ => Lose());
    }

    /// <summary>Ends when the function has, and its end was sent; or when it is not to begin any more. Never fails: how it has ended, the other side is told.</summary>
    public Task Completion => ended.Task;

    /// <summary>Takes a message from the side that has the streams.</summary>
    /// <param name="message">The message; copied where it is needed for longer.</param>
    /// <exception cref="InvalidDataException">It is none that could come now: end the connection, and <see cref="Lose"/> the function.</exception>
    public void Receive(ReadOnlySpan<byte> message)
    {
        if (message.IsEmpty) throw new InvalidDataException("A message is empty.");
        var kind = (CallFrame)message[0];
        message = message[1..];
        ChildCall? known;
        lock (sync)
        {
            if (isOver) return;
            if (kind == CallFrame.Plan && call is null)
            {
                call = new(worker, writer, CallPlan.From(message));
                return;
            }
            known = call;
        }
        Take(kind, known ?? throw new InvalidDataException($"a message of the kind {(byte)kind} before any plan."), message);
    }

    /// <summary>The side that has the streams is gone: the function is cancelled, and what it reads or puts out fails.</summary>
    public void Lose()
    {
        ChildCall? lost;
        lock (sync)
        {
            lost = call;
            isOver = true;
            if (!hasBegun) ended.TrySetResult();
        }
        lost?.Cancel();
        lost?.Fail(new OperationCanceledException("The service for which this function was executed has gone."));
    }

    /// <summary>When it has ended. One that has not is lost; it is not waited for.</summary>
    public void Dispose()
    {
        Lose();
        Task last;
        ChildCall? over;
        lock (sync) (last, over) = (running, call);
        _ = EndAsync();

        async Task EndAsync()
        {
            await last.ConfigureAwait(false);        // it throws nothing
            over?.Dispose();
            writer.Dispose();
        }
    }

    private void Take(CallFrame kind, ChildCall known, ReadOnlySpan<byte> rest)
    {
        switch (kind)
        {
            case CallFrame.Choices:
                known.Know(rest);
                break;
            case CallFrame.Begin:
                lock (sync)
                {
                    if (hasBegun || isOver) return;
                    hasBegun = true;
                    running = RunAsync(known);
                }
                break;
            case CallFrame.Cancel:
                known.Cancel();
                break;
            case CallFrame.Answer:
                known.TakeAnswer(FrameReader.Number(ref rest), rest);
                break;
            case CallFrame.Refusal:
                known.TakeRefusal(FrameReader.Number(ref rest), CallFailure.Read(rest));
                break;
            case CallFrame.Fault:
                known.TakeFault(CallFailure.Read(rest));
                break;
            case CallFrame.Credit:
                known.TakeCredit(FrameReader.Number(ref rest), FrameReader.Number(ref rest), FrameReader.Number(ref rest));
                break;
            default:
                throw new InvalidDataException($"a message of the kind {(byte)kind}.");
        }
    }

    private async Task RunAsync(ChildCall known)
    {
        await known.RunAsync(worker.Find(known.Plan.Name)).ConfigureAwait(false);
        ended.TrySetResult();
    }
}
