using System.Buffers;
using Microsoft.AspNetCore.Http;
using Sluice.Diagnostics;

namespace Sluice.Hosting;

/// <summary>Handles requests of a producer endpoint: receives the body, reads its items, sends them, and responds.</summary>
/// <remarks>Thread-safe: the state of a request is local to its call.</remarks>
internal sealed class HttpProducer<T>(Consecutor<T> consecutor, IPayloadSerializer<T> serializer, HttpProducerOptions options, ILogger log,
    CancellationToken stopping)
{
    private static readonly Problem InputIsComplete = new(StatusCodes.Status410Gone,
        "The input is complete, for good; nothing was accepted. Do not send it again.");

    private readonly BodyReceiver bodies = new(options, stopping);
    private readonly ItemReader<T> items = new(serializer.AtDoor(), options);
    private readonly SendOptions send = new() { Timeout = options.Timeout, IdempotencyWindow = options.IdempotencyWindow };

    public async Task TakeAsync(HttpContext context)
    {
        Problem problem;
        try
        {
            SendResult sent = await SendAsync(context);
            switch (sent.Status)
            {
                case SendStatus.Accepted or SendStatus.Repeated:
                    await Answers.AcceptedAsync(context, sent.Count);
                    return;
                case SendStatus.Conflict:
                    problem = new(StatusCodes.Status422UnprocessableEntity,
                        "The Idempotency-Key was used for another request; nothing was accepted. Give each request a key of its own, and "
                            + "repeat it unchanged.");
                    break;
                default:
                    problem = new(StatusCodes.Status429TooManyRequests,
                        "There is no room at present; nothing was accepted. Send it again later.")
                    {
                        RetryAfter = sent.RetryAfter
                            ?? options.RetryAfterDuration
                    };
                    break;
            }
        }
        catch (RefusedException refused)
        {
            problem = refused.Problem;
        }
        catch (BadHttpRequestException e)
        {
            problem = new(e.StatusCode, $"{e.Message.TrimEnd('.')}. Nothing was accepted.");
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            context.Abort();                         // the client is gone; no response is better than a meaningless one
            return;
        }
        catch (InvalidOperationException) when (IsRefusedForGood)
        {
            problem = InputIsComplete;
        }
        catch (Exception e) when (e is StreamStoreException or InvalidOperationException or ObjectDisposedException
            or OperationCanceledException)
        {
            HostLog.RequestFailed(log, consecutor.Name, e);
            problem = new(StatusCodes.Status503ServiceUnavailable,
                "The items could not be stored. Whether they were accepted is not known: send them again, under the same Idempotency-Key, "
                    + "or they may be accepted twice.")
            {
                RetryAfter = options.RetryAfterDuration,
            };
        }
        await Answers.RefusedAsync(context, problem);
    }

    // A consecutor that ends may also have cut off an append that the store has accepted.
    private bool IsRefusedForGood => consecutor.Snapshot() is
    {
        IsInputComplete: true,
        Status: ConsecutorStatus.Created or ConsecutorStatus.Running or ConsecutorStatus.Paused,
    };

    private async ValueTask<SendResult> SendAsync(HttpContext context)
    {
        bool isMany = BodyFormat.IsManyItems(context.Request);
        string? key = IdempotencyKey.Of(context.Request, options.KeyScope);
        ReadOnlySequence<byte> body = await bodies.ReceiveAsync(context);
        SendOptions how = send;
        ReadItems<T>? many = null;
        T? one = default;
        try
        {
            if (key is not null) how = send with { IdempotencyKey = key, Fingerprint = IdempotencyKey.Fingerprint(body, isMany) };
            if (isMany) many = items.ReadAll(body);
            else one = items.ReadOne(body);
        }
        finally
        {
            BodyReceiver.Release(context, body);
        }
        // Before the append: what an append that is cut off has done is not known.
        if (consecutor.Completion.IsCompleted)
            throw new RefusedException(consecutor.Snapshot().IsInputComplete ? InputIsComplete
                : new(StatusCodes.Status503ServiceUnavailable, "The consecutor has ended; nothing was accepted. Send it again later.")
                {
                    RetryAfter = options.RetryAfterDuration,
                });
        using var late = new CancellationTokenSource(options.WholeTimeout, options.Time);
        using CancellationTokenRegistration gone = context.RequestAborted.UnsafeRegister(
            static late => ((CancellationTokenSource)late!).Cancel(), late);
        try
        {
            return await (many is null ? consecutor.TrySendAsync(one!, how, late.Token)
                : consecutor.TrySendAllAsync(many.Items, how, late.Token));
        }
        catch (PayloadException e)
        {
            throw new RefusedException(Unwritable(e, many));
        }
        catch (OperationCanceledException e) when (late.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested)
        {
            // The append may go on for as long as its call of the store does.
            throw new StreamStoreException($"The store has not answered within {Amounts.Exactly(options.WholeTimeout)}.", e);
        }
    }

    private Problem Unwritable(PayloadException e, ReadItems<T>? many)
    {
        int? line = e.ItemNumber is { } item ? many?.LineOf(item) : null;
        string which = line is { } number ? $"The item in line {number}" : "The item";
        if (e.IsTooLong)
            return new(StatusCodes.Status413PayloadTooLarge,
                $"{which} is longer than the stream of its consecutor allows; nothing was accepted.")
            { Line = line };
        if (e.MessageForSender != e.Message) HostLog.RequestFailed(log, consecutor.Name, e);
        // The line says which item it is.
        string why = e.MessageForSender, place = line is null ? "" : $"Item {e.ItemNumber} of {many!.Items.Count}: ";
        if (why.StartsWith(place, StringComparison.Ordinal)) why = why[place.Length..];
        return new(StatusCodes.Status422UnprocessableEntity, $"{which} was read, but cannot be stored; nothing was accepted. {why}")
        { Line = line };
    }
}
