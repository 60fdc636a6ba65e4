using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Sluice.Hosting;

/// <summary>Receives whole bodies, within limits of length and time.</summary>
/// <param name="options">The limits.</param>
/// <param name="stopping">Cancelled when the program stops. The host waits for requests before it stops anything else, so a body that
/// trickles in would use up the time of all units.</param>
internal sealed class BodyReceiver(HttpProducerOptions options, CancellationToken stopping)
{
    private static readonly TimeSpan TimeAtStop = TimeSpan.FromSeconds(1);         // for a body that is on its way

    /// <returns>The body, in the server's memory until <see cref="Release"/>.</returns>
    /// <exception cref="RefusedException">The body is too long, too slow, or its framing is broken.</exception>
    public async ValueTask<ReadOnlySequence<byte>> ReceiveAsync(HttpContext context)
    {
        try
        {
            return await ReceiveWholeAsync(context);
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge && IsOurLimit(context))
        {
            throw TooLong(context);
        }
        catch (IOException e) when (e is not BadHttpRequestException)
        {
            // Some servers report broken chunks like this. If the client is gone instead, it does not see the response.
            Close(context);
            throw new RefusedException(new(StatusCodes.Status400BadRequest,
                $"The body could not be received: {e.Message} Nothing was accepted."));
        }
    }

    private async ValueTask<ReadOnlySequence<byte>> ReceiveWholeAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = ServerLimit;
        if (context.Request.ContentLength > options.MaxBodyBytes) throw TooLong(context);
        PipeReader reader = context.Request.BodyReader;

        // Without a timer for bytes that are there: most bodies come with their headers.
        if (reader.TryRead(out var there))
        {
            if (IsWhole(there, context)) return there.Buffer;
            reader.AdvanceTo(there.Buffer.Start, there.Buffer.End);
        }
        using var late = new CancellationTokenSource(options.ReceiveTimeout, options.Time);
        using CancellationTokenRegistration stop = stopping.UnsafeRegister(
            static late => ((CancellationTokenSource)late!).CancelAfter(TimeAtStop), late);
        try
        {
            while (true)
            {
                // Not RequestAborted: a client that only stops sending still gets a response.
                var more = await reader.ReadAsync(late.Token);
                if (IsWhole(more, context)) return more.Buffer;
                reader.AdvanceTo(more.Buffer.Start, more.Buffer.End);
            }
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested)
        {
            Close(context);
            if (stopping.IsCancellationRequested)
                throw new RefusedException(new(StatusCodes.Status503ServiceUnavailable,
                    "The service stops, and the body had not arrived; nothing was accepted. Send it again.")
                { RetryAfter = options.RetryAfterDuration });
            throw new RefusedException(new(StatusCodes.Status408RequestTimeout,
                $"The body did not arrive within {Amounts.Exactly(options.ReceiveTimeout)}; nothing was accepted."));
        }
    }

    /// <summary>Returns the body's memory to the server.</summary>
    public static void Release(HttpContext context, ReadOnlySequence<byte> body) => context.Request.BodyReader.AdvanceTo(body.End);

    private bool IsWhole(System.IO.Pipelines.ReadResult read, HttpContext context)
    {
        if (read.Buffer.Length > options.MaxBodyBytes) throw TooLong(context);
        return read.IsCompleted;
    }

    // One byte more than allowed: the response to a longer body names the limit of the endpoint.
    private long ServerLimit => options.MaxBodyBytes + 1L;

    private bool IsOurLimit(HttpContext context)
        => context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize == ServerLimit;

    private RefusedException TooLong(HttpContext context)
    {
        Close(context);
        return new(new(StatusCodes.Status413PayloadTooLarge,
            $"The body is longer than {Amounts.Of(options.MaxBodyBytes, "byte")}; nothing was accepted. Send it in parts."));
    }

    /// <summary>
    /// Closes the connection after the response, because the next request begins after the rest of the body, which is not read.
    /// </summary>
    private static void Close(HttpContext context)
    {
        if (HttpProtocol.IsHttp11(context.Request.Protocol) || HttpProtocol.IsHttp10(context.Request.Protocol))
            context.Response.Headers.Connection = "close";
    }
}
