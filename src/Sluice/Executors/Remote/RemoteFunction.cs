using Sluice.ChildProcesses;
using Sluice.Executors;

namespace Sluice.Flows;

/// <summary>The remote side of a call: a function that is executed here for a service with its streams.</summary>
/// <remarks>
/// <see cref="RemoteWorker.Open"/> makes it. Thread-safe, except <see cref="Receive"/>: pass it one message at a time, in order.
/// </remarks>
public sealed class RemoteFunction : IDisposable
{
    private readonly RemoteWorker worker;
    private readonly CallFrameWriter writer;
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock sync = new();              // guards the fields below
    private RemoteInvocation? call;
    private Task running = Task.CompletedTask;
    private bool hasBegun;
    private bool isOver;

    internal RemoteFunction(RemoteWorker worker, Action<ReadOnlySpan<byte>> send)
    {
        this.worker = worker;
        writer = new(send, _ => Lose());
    }

    /// <summary>
    /// Completes when the function has ended and its end was sent, or when it will not begin any more. Never fails: the other side gets the
    /// failure.
    /// </summary>
    public Task Completion => ended.Task;

    /// <summary>Receives a message from the service's side.</summary>
    /// <param name="message">The message; copied if needed for longer.</param>
    /// <exception cref="InvalidDataException">The message is invalid, or not allowed now. End the connection, and <see cref="Lose"/> the
    /// function.</exception>
    public void Receive(ReadOnlySpan<byte> message)
    {
        if (message.IsEmpty) throw new InvalidDataException("A message is empty.");
        var kind = (CallFrame)message[0];
        message = message[1..];
        RemoteInvocation? known;
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

    /// <summary>Reports that the service's side is gone: cancels the function, and fails its reads and writes.</summary>
    public void Lose()
    {
        RemoteInvocation? lost;
        lock (sync)
        {
            lost = call;
            isOver = true;
            if (!hasBegun) ended.TrySetResult();
        }
        lost?.Cancel();
        lost?.Fail(new OperationCanceledException("The service for which this function was executed has gone."));
    }

    /// <summary>Call it when the function has ended; before, it loses the function without waiting for it.</summary>
    public void Dispose()
    {
        Lose();
        Task last;
        RemoteInvocation? over;
        lock (sync) (last, over) = (running, call);
        _ = EndAsync();

        async Task EndAsync()
        {
            await last.ConfigureAwait(false);        // never fails
            over?.Dispose();
            writer.Dispose();
        }
    }

    private void Take(CallFrame kind, RemoteInvocation known, ReadOnlySpan<byte> rest)
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

    private async Task RunAsync(RemoteInvocation known)
    {
        try
        {
            await known.RunAsync(worker.Find(known.Plan.Name)).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Its end could not be told, for example because a listener of activities has thrown: without a word the service would wait.
            writer.Say(CallFrame.Failed, question: null, CallFailure.Of(e));
            known.Fail(e);
        }
        finally
        {
            ended.TrySetResult();
        }
    }
}
