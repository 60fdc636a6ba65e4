namespace Sluice;

/// <summary>Plain lines: no hello, no numbers; only errors are answered. Each line is an item.</summary>
internal sealed partial class TcpConnection<T>
{
    private static ReadOnlySpan<byte> HelloBytes => "hello"u8;

    private Task complaint = Task.CompletedTask;     // the last one; there is one at a time

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
                "A first line 'hello' begins the protocol with acknowledgements, and this port takes plain lines; nothing was accepted. Give TcpOptions.Protocol = TcpProtocol.Auto; or, if it is a plain line, send an empty one before it."),
            _ => true,
        };
    }

    /// <returns>Why it is over; null if the client has ended it, or the run stops.</returns>
    private async Task<string?> ServeLinesAsync(ReadOnlyMemory<byte> first, CancellationToken over)
    {
        using IFrameIntake<T> intake = intakes(null);
        await intake.OpenAsync(life.Token);
        Task latest = await AddLineAsync(intake, first) ?? Task.CompletedTask;
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
                await latest.WaitAsync(life.Token);          // nothing more is read before
                intake.GoOn();
            }
            while (!stop.IsCancellationRequested && await ReceiveAsync(over));
        }
        catch (FormatException)
        {
            await latest.WaitAsync(life.Token);              // the lines before the one that is too long count
            throw;
        }
        if (!stop.IsCancellationRequested && !frames.IsEmpty) return "The connection has ended in the middle of a line, which was not accepted. End each line with a line feed.";
        await ToldAsync();
        return null;
    }

    /// <returns>Ends when the line is accepted; null if there is nothing to accept.</returns>
    private async ValueTask<Task?> AddLineAsync(IFrameIntake<T> intake, ReadOnlyMemory<byte> line)
    {
        if (line.IsEmpty) return null;                       // it keeps the connection alive
        T item;
        try
        {
            item = Read(line, last + 1);
        }
        catch (FormatException e)
        {
            last++;
            Complain(e.Message);
            return null;
        }
        Task accepting = await intake.AddAsync(item, life.Token);
        last++;
        return accepting;
    }

    /// <summary>Tells the client of a line that is not accepted, unless it has not read the last complaint yet: then its other lines are worth more.</summary>
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
            // the client does not read, or is gone: its lines are read all the same
        }
    }

    /// <summary>Gives the client a moment to take what it is told.</summary>
    private Task ToldAsync() => complaint.WaitAsync(options.IdleTimeout < Linger ? options.IdleTimeout : Linger, TimeProvider.System).ContinueWith(
        static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
