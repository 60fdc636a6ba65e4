using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Sluice.Hosting;

/// <summary>Receives whole bodies, within their limits of length and time.</summary>
internal sealed class BodyReceiver(HttpProducerOptions options)
{
    /// <returns>The body, which is the server's memory until <see cref="Release"/>.</returns>
    /// <exception cref="RefusedException">It is too long, did not come in time, or its framing is broken.</exception>
    public async ValueTask<ReadOnlySequence<byte>> ReceiveAsync(HttpContext context)
    {
        try
        {
            return await ReceiveWholeAsync(context);
        }
        catch (IOException e) when (e is not BadHttpRequestException)
        {
            // Servers say so of some broken chunks. Or the client is gone: then nobody reads the answer.
            Close(context);
            throw new RefusedException(new(StatusCodes.Status400BadRequest, $"The body could not be received: {e.Message} Nothing was accepted."));
        }
    }

    private async ValueTask<ReadOnlySequence<byte>> ReceiveWholeAsync(HttpContext context)
    {
        // One more byte than is allowed: who sends more gets our answer, with the limit in it, and not the server's.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = options.MaxBodyBytes + 1L;
        if (context.Request.ContentLength > options.MaxBodyBytes) throw TooLong(context);
        PipeReader reader = context.Request.BodyReader;

        // What is there already needs no timer: most bodies come with their headers.
        if (reader.TryRead(out var there))
        {
            if (IsWhole(there, context)) return there.Buffer;
            reader.AdvanceTo(there.Buffer.Start, there.Buffer.End);
        }
        using var late = new CancellationTokenSource(options.ReceiveTimeout, options.Time);
        try
        {
            while (true)
            {
                var more = await reader.ReadAsync(late.Token);   // not with RequestAborted: one who only sends nothing more is still there to be told
                if (IsWhole(more, context)) return more.Buffer;
                reader.AdvanceTo(more.Buffer.Start, more.Buffer.End);
            }
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested)
        {
            Close(context);
            throw new RefusedException(new(StatusCodes.Status408RequestTimeout, $"The body did not arrive within {options.ReceiveTimeout.TotalSeconds:0.###} seconds; nothing was accepted."));
        }
    }

    /// <summary>The body is read.</summary>
    public static void Release(HttpContext context, ReadOnlySequence<byte> body) => context.Request.BodyReader.AdvanceTo(body.End);

    private bool IsWhole(System.IO.Pipelines.ReadResult read, HttpContext context)
    {
        if (read.Buffer.Length > options.MaxBodyBytes) throw TooLong(context);
        return read.IsCompleted;
    }

    private RefusedException TooLong(HttpContext context)
    {
        Close(context);
        return new(new(StatusCodes.Status413PayloadTooLarge, $"The body is longer than {options.MaxBodyBytes:N0} bytes; nothing was accepted. Send it in parts."));
    }

    /// <summary>The rest of the body is not waited for: without it, nobody finds the beginning of the next request.</summary>
    private static void Close(HttpContext context)
    {
        if (HttpProtocol.IsHttp11(context.Request.Protocol) || HttpProtocol.IsHttp10(context.Request.Protocol)) context.Response.Headers.Connection = "close";
    }
}
