namespace Sluice.Pipelines;

/// <summary>A chunk with a time limit.</summary>
/// <remarks>The timer is not moved for every chunk: one that goes off early is set again for the rest.</remarks>
internal sealed class TimedChunkStage<T>(StageContext context, Inlet<T[]> next, ChunkBuffer<T> buffer, TimeSpan within)
    : TimedStage<T, T[]>(context, next), IStateful, IEndsInSteps
{
    internal const string BeganRow = "began";

    private long began;
    private long storedBegin;                        // the time of day, in UTC ticks; zero if none is stored
    private bool isTicking;

    public bool HasMoreToEnd => buffer.HasMoreToEnd;

    public void Restore(StateReader stored)
    {
        buffer.Restore(stored);
        if (!stored.Has(BeganRow))
        {
            if (buffer.Count > 0) Begin();           // held by code without a time limit
            return;
        }
        storedBegin = stored.Get<long>(BeganRow);
        TimeSpan age = new(Math.Max(0, UtcNow.UtcTicks - storedBegin));
        began = Time.GetTimestamp() - (long)(age.TotalSeconds * Time.TimestampFrequency);
        Tick(within - age);
    }

    public void Save(StateWriter changes)
    {
        buffer.Save(changes);
        long begin = buffer.Count == 0 ? 0 : (UtcNow - Time.GetElapsedTime(began)).UtcTicks;
        if (begin == 0 && storedBegin != 0) changes.Delete(BeganRow);
        else if (begin != 0 && Math.Abs(begin - storedBegin) > TimeSpan.TicksPerMillisecond) changes.Put(BeganRow, begin);
        storedBegin = begin;
    }

    protected override ValueTask OnItemAsync(T item, Ticket? ticket)
        => buffer.IsOverfull ? EmitFullAndAddAsync(item, ticket) : AddAsync(item, ticket);

    private ValueTask AddAsync(T item, Ticket? ticket)
    {
        bool wasEmpty = buffer.Count == 0;
        T[]? after = buffer.Add(Context, item, ticket, out T[]? before);
        if (buffer.Count > 0 && (wasEmpty || before is not null)) Begin();
        if (before is null) return after is null ? default : EmitAsync(after, null);
        return after is null ? EmitAsync(before, null) : EmitBothAsync(before, after);
    }

    protected override ValueTask OnTickAsync()
    {
        isTicking = false;
        if (buffer.Count == 0) return default;
        TimeSpan left = within - Time.GetElapsedTime(began);
        if (left <= TimeSpan.Zero) return EmitAllAsync();
        Tick(left);
        return default;
    }

    protected override ValueTask OnEndAsync() => buffer.Count > 0 ? EmitAllAsync() : default;

    private void Begin()
    {
        began = Time.GetTimestamp();
        if (!isTicking) Tick(within);
    }

    private void Tick(TimeSpan due)
    {
        isTicking = true;
        SetTimer(due);
    }

    private async ValueTask EmitFullAndAddAsync(T item, Ticket? ticket)
    {
        await EmitFullAsync();
        await AddAsync(item, ticket);
    }

    private async ValueTask EmitAllAsync()
    {
        await EmitFullAsync();
        if (buffer.IsOverfull) Tick(TimeSpan.Zero);  // the rest comes with later commits
        else if (buffer.Count > 0) await EmitAsync(buffer.Cut(), null);
    }

    private async ValueTask EmitFullAsync()
    {
        while (buffer.TryCutFirst(out T[] chunk)) await EmitAsync(chunk, null);
    }

    private async ValueTask EmitBothAsync(T[] before, T[] after)
    {
        await EmitAsync(before, null);
        await EmitAsync(after, null);
    }
}
