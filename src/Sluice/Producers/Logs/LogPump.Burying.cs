namespace Sluice.Producers;

/// <summary>The part for malformed lines: each becomes a dead letter, and reading continues.</summary>
internal sealed partial class LogPump<T>
{
    private const int MaxBuried = 256;
    private const long MaxBytes = 256 * 1024;

    private Task? burying;                           // the last write of malformed lines since the last item
    private int buried;
    private long bytes;

    /// <summary>
    /// Sends a malformed line to the consecutor, past the stages in between. It first waits for all earlier items, because its position
    /// says that they were accepted.
    /// </summary>
    private async ValueTask BuryAsync(byte[] around, string why)
    {
        Context.Failed++;
        byte[] raw = reader.Line.ToArray();
        if (buryAsync is null)
        {
            Run.AddDeadLetter(new(Run.NameOf(Node), Encoding.UTF8.GetString(raw), why, 1, Run.Time.GetUtcNow()) { Payload = raw });
            return;
        }
        await UntilAsync(() => Volatile.Read(ref open) == 0);
        if (HasCut) return;                          // the next run reads the line again, behind the item that was left out
        burying = buryAsync(raw, why, LogPositions.Bytes(around, reader.Row));
        bytes += raw.Length;
        if (++buried >= MaxBuried || bytes >= MaxBytes) await BuriedAsync();
    }

    /// <summary>Buries the last line of a rotated file that ended in its middle.</summary>
    private async ValueTask TakeRestAsync(FollowedFile file)
    {
        byte[] around = Enter(file, reader.Row, isLine: false);
        reader.TakeRest();
        positions.Set(reader.Row);
        await BuryAsync(around, $"{file.Path}, line {reader.Row.Line}: the file was rotated, and ended in the middle of this line");
    }

    /// <summary>Waits until the malformed lines are accepted: also if the pump was left while they were written.</summary>
    protected override ValueTask EmitHeldAsync() => BuriedAsync();

    /// <summary>Waits until the malformed lines are accepted.</summary>
    private async ValueTask BuriedAsync()
    {
        if (burying is not { } last) return;
        last.GetAwaiter().UnsafeOnCompleted(WakeUp);
        await UntilAsync(() => last.IsCompleted);
        (burying, buried, bytes) = (null, 0, 0);
        try
        {
            await last;
        }
        catch (Exception e)
        {
            throw Failure(e);
        }
    }

    /// <summary>Rewrites the journal. No item is in flight meanwhile, so the stored position is the new one afterwards.</summary>
    private async ValueTask RenewAsync()
    {
        await BuriedAsync();
        await UntilAsync(() => Volatile.Read(ref open) == 0);
        if (HasCut) return;
        try
        {
            Task marking = markAsync!(positions.Renew(watch.IsForgotten));
            marking.GetAwaiter().UnsafeOnCompleted(WakeUp);
            await UntilAsync(() => marking.IsCompleted);
            await marking;
            positions.Renewed();
        }
        catch (Exception e) when (e is not PipelineException)
        {
            throw Failure(e);
        }
    }
}
