namespace Sluice.Producers;

/// <summary>Plain lines: no hello, no numbers, answers only for errors. Each line is an item.</summary>
internal sealed partial class TcpConnection<T>
{
    // Without it, a client that has ended its side takes the end of the connection for the acceptance of all lines.
    private const string Stops = "The service stops, and accepts no further lines.";

    // The client may speak frames. Its hello was not answered, so it loses nothing.
    private const string StopsBeforeAll = "The service stops, and has accepted nothing on this connection. Connect again later.";

    private static ReadOnlySpan<byte> HelloBytes => "hello"u8;

    private Task complaint = Task.CompletedTask;     // the last one; one at a time

    /// <param name="first">The first line.</param>
    /// <exception cref="FormatException">It begins another protocol than this port has.</exception>
    private bool IsPlain(ReadOnlyMemory<byte> first)
    {
        bool isHello = first.Span.StartsWith(HelloBytes) && (first.Length == HelloBytes.Length || first.Span[HelloBytes.Length] == ' ');
        return options.Protocol switch
        {
            TcpProtocol.Framed => false,
            TcpProtocol.Auto => !isHello,
            _ when isHello => throw new FormatException(
                "A first line 'hello' begins the protocol with acknowledgements, and this port takes plain lines; nothing was accepted. "
                    + "Give TcpOptions.Protocol = TcpProtocol.Auto; or, if it is a plain line, send an empty one before it."),
            _ => true,
        };
    }

    /// <returns>The reason to end the connection; null if the client has ended it, and all its lines were accepted.</returns>
    private async Task<string?> ServeLinesAsync(ReadOnlyMemory<byte> first, CancellationToken over)
    {
        using IFrameIntake<T> intake = intakes(null);
        await intake.OpenAsync(life.Token);
        Task latest = await AddLineAsync(intake, first) ?? Task.CompletedTask;
        bool isOpen = true;                                  // the client may send more
        try
        {
            do
            {
                while (frames.TryTake(out ReadOnlyMemory<byte> line))
                {
                    if (!isNext) idle.CancelAfter(Timeout.InfiniteTimeSpan);
                    isNext = true;
                    latest = await AddLineAsync(intake, line) ?? latest;
                }
                await latest.WaitAsync(life.Token);          // before more is read
                intake.GoOn();
            }
            while (!stop.IsCancellationRequested && (isOpen = await ReceiveAsync(over)));
        }
        catch (Exception e) when (e is not (IOException or OperationCanceledException))
        {
            await latest.WaitAsync(life.Token);              // the lines before the one that is too long, or cannot be stored, count
            throw;
        }
        if (isOpen) return Stops;
        if (!frames.IsEmpty)
            return "The connection has ended in the middle of a line, which was not accepted. End each line with a line feed.";
        await ToldAsync();
        return null;
    }

    /// <returns>A task that completes when the line is accepted; null if there is no item.</returns>
    private async ValueTask<Task?> AddLineAsync(IFrameIntake<T> intake, ReadOnlyMemory<byte> line)
    {
        if (line.IsEmpty) return null;                       // only keeps the connection alive
        try
        {
            Task accepting = await intake.AddAsync(Read(line, last + 1), life.Token);
            last++;
            return accepting;
        }
        catch (FormatException e)
        {
            last++;
            Complain(e.Message);
        }
        catch (PayloadException e)
        {
            last++;
            refusals.Note($"The line {last} of a client was refused", e);
            Complain(e.MessageForSender);
        }
        return null;
    }

    /// <summary>
    /// Reports a line that is not accepted, unless the client has not read the last report yet: its other lines matter more.
    /// </summary>
    private void Complain(string why)
    {
        if (complaint.IsCompleted) complaint = ComplainAsync(why);
    }

    private async Task ComplainAsync(string why)
    {
        try
        {
            await stream.WriteAsync(TcpFrames.Answer($"error {last} {why}", options.Framing), life.Token);
        }
        catch (Exception)
        {
            // The client does not read, or is gone; its lines are still taken.
        }
    }

    /// <summary>Gives the client a moment to read the last report.</summary>
    private async Task ToldAsync()
        => await complaint.WaitAsync(options.IdleTimeout < Linger ? options.IdleTimeout : Linger, TimeProvider.System)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
