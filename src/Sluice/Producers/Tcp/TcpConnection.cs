using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.Json;

namespace Sluice.Producers;

/// <summary>
/// One connection, from its hello to its end (docs/producers.md). It reads nothing more while received items wait to be accepted.
/// </summary>
/// <remarks>One loop: receive, take, wait for acceptance, acknowledge. Not shared.</remarks>
internal sealed partial class TcpConnection<T>(
    Socket socket, TcpOptions options, IPayloadSerializer<T> serializer, Func<string?, IFrameIntake<T>> intakes, TcpClients clients,
        TcpRefusals refusals, TcpRefusals strangers, TimeProvider time, CancellationToken stop, CancellationToken run) : IDisposable
{
    private const string Hello = "hello";
    private const int MaxClient = 150;
    private const int MaxLeftover = 1 << 20;

    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(2); // real time, whatever the run's clock: a wait for the network

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly TcpFrames frames = new(options.Framing, options.MaxFrameBytes);
    private readonly CancellationTokenSource idle = new(Timeout.InfiniteTimeSpan, time);
    private readonly CancellationTokenSource life = CancellationTokenSource.CreateLinkedTokenSource(run);
    private Stream stream = Stream.Null;
    private bool isNext = true;                      // a whole frame has come: the idle time starts at the next receive
    private long last;                               // the number of the last frame that is accepted or being accepted
    private long told;                               // the number of the last frame that the client knows to be accepted
    private bool isFull;                             // the client was told so, since the last read

    /// <summary>Serves the connection. Never throws.</summary>
    public async Task ServeAsync()
    {
        try
        {
            socket.NoDelay = true;
            await using Stream open = stream = await OpenAsync();
            if (await ServeFramesAsync() is { } refusal) await RefuseAsync(refusal);
        }
        catch (Exception)
        {
            // The client is gone or too slow, or the run stops: there is nothing to tell. The client sends unacknowledged frames again.
        }
    }

    public void Dispose()
    {
        life.Dispose();
        idle.Dispose();
        frames.Dispose();
        socket.Dispose();
    }

    private async Task<Stream> OpenAsync()
    {
        var plain = new NetworkStream(socket);
        if (options.Tls is null) return plain;
        var secure = new SslStream(plain);
        try
        {
            idle.CancelAfter(options.IdleTimeout);
            using var over = CancellationTokenSource.CreateLinkedTokenSource(idle.Token, stop);
            await secure.AuthenticateAsServerAsync(options.Tls, over.Token);
            return secure;
        }
        catch (Exception e)
        {
            await secure.DisposeAsync();
            if (e is AuthenticationException) strangers.Note("A client and this side found no common TLS", e);
            else if (idle.IsCancellationRequested)
                strangers.Note($"A client has not ended its TLS handshake within {Amounts.Exactly(options.IdleTimeout)}");
            throw;
        }
    }

    /// <returns>The reason to end the connection; null if the client has ended it, or the run stops and a framed client sends
    /// again.</returns>
    private async Task<string?> ServeFramesAsync()
    {
        bool? isFramed = options.Protocol switch         // null until the first line says it
        {
            TcpProtocol.Framed => true,
            TcpProtocol.Auto => null,
            _ => false,
        };
        using var over = CancellationTokenSource.CreateLinkedTokenSource(idle.Token, stop, life.Token);
        try
        {
            ReadOnlyMemory<byte> first = await FirstAsync(over.Token);
            isFramed = !IsPlain(first);
            if (isFramed == false) return await ServeLinesAsync(first, over.Token);
            string? client = ClientOf(first);
            using var place = clients.Enter(client, life);
            using IFrameIntake<T> intake = intakes(client);
            last = await intake.OpenAsync(life.Token);
            await AnswerAsync($"{Hello} {last}");
            using var adding = CancellationTokenSource.CreateLinkedTokenSource(life.Token);
            do
            {
                if (await TakeAllAsync(intake, adding)) await AnswerAsync($"ok {last}");
            }
            while (!stop.IsCancellationRequested && await ReceiveAsync(over.Token));
            return stop.IsCancellationRequested || frames.IsEmpty ? null : "The connection has ended in the middle of a frame.";
        }
        catch (OperationCanceledException) when (isFramed != true && (stop.IsCancellationRequested || run.IsCancellationRequested))
        {
            return isFramed is null ? StopsBeforeAll : Stops;
        }
        catch (OperationCanceledException) when (life.IsCancellationRequested && !run.IsCancellationRequested)
        {
            return "This connection was superseded: its client has connected again, and goes on there.";
        }
        catch (OperationCanceledException) when (idle.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            return $"No whole frame has come for {Amounts.Exactly(options.IdleTimeout)}.";
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException or ProducerSupersededException)
        {
            return e.Message;                        // of the frame; or the consecutor has ended, or another connection goes on
        }
        catch (PayloadException e)
        {
            refusals.Note($"The item {last + 1} of a client was refused", e);
            return e.MessageForSender;
        }
        catch (Exception e) when (e is not (IOException or OperationCanceledException))
        {
            refusals.Note("An item of a client could not be stored", e);
            return TcpRefusals.Told;
        }
    }

    private async ValueTask<ReadOnlyMemory<byte>> FirstAsync(CancellationToken over)
    {
        ReadOnlyMemory<byte> frame;
        while (!frames.TryTake(out frame))
            if (!await ReceiveAsync(over)) throw new FormatException(options.Protocol == TcpProtocol.Framed
                ? "The connection has ended before its hello." : "The connection has ended before its first whole line.");
        idle.CancelAfter(Timeout.InfiniteTimeSpan);
        isNext = true;
        return frame;
    }

    private static string? ClientOf(ReadOnlyMemory<byte> frame)
    {
        string text;
        try
        {
            text = Utf8.GetString(frame.Span);
        }
        catch (ArgumentException)
        {
            text = "";
        }
        if (text == Hello) return null;
        if (!text.StartsWith($"{Hello} ", StringComparison.Ordinal))
            throw new FormatException(
                $"The first frame is no {Hello}. It must be '{Hello}', or '{Hello} ID' with the client's id, if it is to go on where it "
                    + $"was; nothing was accepted.");
        string client = text[(Hello.Length + 1)..];
        return client.Length is > 0 and <= MaxClient && !client.Any(char.IsControl) ? client
            : throw new FormatException(
            $"The client's id has {client.Length} characters, or control characters; it may have 1 to {MaxClient}. Nothing was accepted.");
    }

    /// <summary>Takes all received frames, and waits until they are accepted.</summary>
    /// <returns>Whether there is something to acknowledge.</returns>
    private async ValueTask<bool> TakeAllAsync(IFrameIntake<T> intake, CancellationTokenSource adding)
    {
        List<(Task Accepting, long Last)> appends = [];              // with the last frame of each
        bool isAny = false;
        (told, isFull) = (last, false);
        try
        {
            while (frames.TryTake(out ReadOnlyMemory<byte> frame))
            {
                if (!isNext) idle.CancelAfter(Timeout.InfiniteTimeSpan);
                isNext = true;
                if (frame.IsEmpty) continue;         // only keeps the connection alive
                (long number, ReadOnlyMemory<byte> payload) = frames.Numbered(frame);
                if (number < 1 || number > last + 1) throw new FormatException(
                    $"The frame has the number {number}; {last + 1} is the next one.");
                isAny = true;
                if (number <= last) continue;        // sent again, so acknowledged again
                ValueTask<Task> place = intake.AddAsync(Read(payload, number), adding.Token);
                Task accepting = place.IsCompleted ? await place : await PlaceAsync(place.AsTask(), appends, intake, adding);
                if (appends.Count > 0 && appends[^1].Accepting == accepting) appends[^1] = (accepting, number);
                else appends.Add((accepting, number));
                last = number;
            }
        }
        catch (Exception) when (appends.Count > 0)
        {
            // The frames before the failure count, and are acknowledged first.
            await AcceptedAsync(appends, intake);
            await AnswerAsync($"ok {last}");
            throw;
        }
        if (appends.Count > 0) await AcceptedAsync(appends, intake);
        return isAny;
    }

    private T Read(ReadOnlyMemory<byte> payload, long number)
    {
        if (payload.Length > options.MaxFrameBytes) throw frames.TooLong();
        try
        {
            return serializer.Deserialize(payload.Span) ?? throw new FormatException("null is no item.");
        }
        catch (Exception e) when (e is FormatException or PayloadException or JsonException or DecoderFallbackException)
        {
            throw new FormatException($"The frame {number} is malformed: {e.Message}", e);
        }
        catch (Exception e)
        {
            // Messages of the type's own code are internal.
            refusals.Note($"The serializer failed on the item {number} of a client", e);
            throw new FormatException($"The frame {number} is malformed: It is no item of this producer.", e);
        }
    }

    /// <returns>Whether bytes were received; false at the end of the connection.</returns>
    private async ValueTask<bool> ReceiveAsync(CancellationToken over)
    {
        if (isNext) idle.CancelAfter(options.IdleTimeout);
        isNext = false;
        int bytes = await stream.ReadAsync(frames.Room(), over);
        frames.Received(bytes);
        return bytes > 0;
    }

    private async ValueTask AnswerAsync(string text)
    {
        idle.CancelAfter(options.IdleTimeout);
        await stream.WriteAsync(TcpFrames.Answer(text, options.Framing), idle.Token);
        idle.CancelAfter(Timeout.InfiniteTimeSpan);
        isNext = true;
    }

    private async Task RefuseAsync(string why)
    {
        using var late = new CancellationTokenSource(options.IdleTimeout < Linger ? options.IdleTimeout : Linger, TimeProvider.System);
        await ToldAsync();
        await stream.WriteAsync(TcpFrames.Answer($"error {last + 1} {why}", options.Framing), late.Token);
        if (stream is SslStream secure) await secure.ShutdownAsync().WaitAsync(late.Token);
        socket.Shutdown(SocketShutdown.Send);

        // Receives and drops further bytes: closing with unread bytes would reset the connection and discard the answer.
        using var over = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        byte[] dropped = new byte[4096];
        for (int left = MaxLeftover; left > 0;)
        {
            int bytes = await socket.ReceiveAsync(dropped, over.Token);
            if (bytes == 0) return;
            left -= bytes;
        }
    }
}
