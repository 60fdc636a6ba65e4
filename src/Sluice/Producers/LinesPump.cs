namespace Sluice.Producers;

internal sealed class LinesPump<T>(StageContext context, Inlet<T> next, LinesOrigin origin, Func<long, string, T> select, int maxLineLength)
    : SourcePump<T>(context, next)
{
    private LineReader lines = null!;
    private bool waits;

    /// <summary>False: a read of the standard input may end only when a key is pressed, and a named pipe opens when a writer
    /// comes.</summary>
    protected override bool IsAwaited => false;

    protected override async ValueTask ProduceAsync()
    {
        LineReader? opened;
        try
        {
            if (!TryOutside(() => origin.Open(maxLineLength, out waits), out opened))
            {
                if (opened is not null) origin.Close(opened);
                return;
            }
        }
        catch (Exception e)
        {
            throw Failure(e);
        }
        lines = opened!;
        Task<int>? abandoned = null;
        try
        {
            while (!IsStopped)
            {
                while (!IsStopped && TryTake(out T? item))
                {
                    await Flushed(EmitAsync(item));
                }
                if (IsStopped || lines.IsAtEnd) return;
                if ((abandoned = await ReadAsync()) is not null) return;
            }
        }
        finally
        {
            if (abandoned is not null) Run.Abandon(CloseLaterAsync(abandoned), Node);
            else origin.Close(lines);
        }
    }

    private bool TryTake(out T item)
    {
        item = default!;
        try
        {
            if (!lines.TryTake(out string? line)) return false;
            item = Source.Selected(select, lines.Number, line, origin.Name ?? "the text");
            return true;
        }
        catch (Exception e)
        {
            throw Failure(e);
        }
    }

    /// <returns>A read that has not ended although no more items are wanted; null otherwise.</returns>
    private async ValueTask<Task<int>?> ReadAsync()
    {
        try
        {
            MayGoOutside();
            if (!GoOutside()) return null;
            if (!waits)
            {
                int count = lines.Read();
                ComeBack();
                lines.Add(count);
                return null;
            }
            ValueTask<int> reading = lines.ReadAsync(StopToken);         // blocks for the console
            if (!ComeBack()) return reading.AsTask();
            if (!reading.IsCompleted)
            {
                Task<int> read = reading.AsTask();
                if (!await ArrivesAsync(read)) return read;
                reading = new ValueTask<int>(read);
            }
            lines.Add(await reading);
            return null;
        }
        catch (OperationCanceledException) when (IsStopped)
        {
            ComeBack();
            return null;
        }
        catch (Exception e)
        {
            ComeBack();
            throw Failure(e);
        }
    }

    private async Task CloseLaterAsync(Task<int> read)
    {
        await ((Task)read).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        if (read.IsCompletedSuccessfully) lines.Add(read.Result);    // kept for the next run, if the reader is not the run's own
        origin.Close(lines);
    }
}
