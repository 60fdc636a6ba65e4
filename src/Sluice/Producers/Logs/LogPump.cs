using Sluice.Diagnostics;

namespace Sluice.Producers;

/// <summary>
/// Follows log files: scans for changes, reads up to 4,096 lines of each changed file, sleeps. A consecutor stores the position behind each
/// line with it.
/// </summary>
internal sealed partial class LogPump<T>(StageContext context, Inlet<T> next, string name, LogPaths paths, Func<FileLine, T> select,
    ResumableLinesOptions options, JournalClaim? journal)
    : SourcePump<T>(context, next), IResumablePump
{
    private const int MaxLines = 4096;              // of one file, before the next file has its turn

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ItemPositions<Produced> produced = new();
    private readonly LogReader reader = new(options.MaxLineLength);
    private ReadOnlyMemory<byte> start;
    private bool isResumed;
    private Func<ReadOnlyMemory<byte>, Task>? markAsync;
    private Func<ReadOnlyMemory<byte>, string, ReadOnlyMemory<byte>, Task>? buryAsync;
    private LogPositions positions = null!;
    private LogWatch watch = null!;
    private LogOpener opener = null!;
    private long emitted;
    private int open;                                // items that have not ended
    private bool isFirst = true;                     // no line was read yet

    private readonly record struct Produced(byte[] Around, LogRow Before, LogRow Behind);

    public string Name => name;

    string IResumablePump.Kind => "Source.ResumableLines with options";

    public override Action? ItemEnded => OnItemEnded;

    public IDisposable? Claim()
    {
        try
        {
            journal?.Take();
            return journal;
        }
        catch (Exception e)
        {
            throw Failure(e);
        }
    }

    public void Resume(ReadOnlyMemory<byte> position, long parts) => (start, isResumed) = (position, true);

    public void MarkWith(Func<ReadOnlyMemory<byte>, Task> mark) => markAsync = mark;

    public void BuryWith(Func<ReadOnlyMemory<byte>, string, ReadOnlyMemory<byte>, Task> bury) => buryAsync = bury;

    public ReadOnlyMemory<byte> PositionBefore(long sequence)
    {
        Produced one = Find(sequence) ?? throw ItemPositions.Lost(name, sequence);
        return LogPositions.Bytes(one.Around, one.Before);
    }

    public ReadOnlyMemory<byte>? PositionBehind(long sequence)
        => Find(sequence) is { } one ? LogPositions.Bytes(one.Around, one.Behind) : null;

    protected override async ValueTask ProduceAsync()
    {
        if (!MayOpen(out LogPositions? opened))
        {
            opened?.Dispose();
            return;
        }
        positions = opened;
        watch = new(name, paths, options, positions, Run.Time);
        opener = new(reader, positions, watch, options, Run.Time);
        try
        {
            await FollowAsync();
            if (!IsLeft) await BuriedAsync();
        }
        finally
        {
            reader.Close();
            positions.Dispose();
        }
    }

    private async ValueTask FollowAsync()
    {
        while (!IsStopped)
        {
            bool hasMore = false;
            foreach (FollowedFile file in Looked())
            {
                if (IsStopped) return;
                hasMore |= await VisitAsync(file);
                if (IsStopped) return;
                // Not before the first line: it may be one that was accepted in part, and the store has to know the part.
                if (positions.IsWasteful && !isFirst) await RenewAsync();
            }
            if (IsStopped) return;
            if (hasMore) continue;
            if (options.PollInterval is not { } poll) return;
            await BuriedAsync();
            await SleepAsync(poll);
        }
    }

    private bool MayOpen([NotNullWhen(true)] out LogPositions? opened)
    {
        try
        {
            return TryOutside(() => isResumed
                ? LogPositions.Open(start, journal, text => Warnings.Tell(options.OnWarning, $"The producer '{name}': {text}"))
                : LogPositions.Unstored(), out opened);
        }
        catch (Exception e)
        {
            throw Failure(e);
        }
    }

    private List<FollowedFile> Looked()
    {
        try
        {
            return TryOutside(watch.Look, out List<FollowedFile>? due) ? due! : [];
        }
        catch (Exception e)
        {
            throw Failure(e);
        }
    }

    /// <returns>Whether to scan again at once.</returns>
    private async ValueTask<bool> VisitAsync(FollowedFile file)
    {
        bool isOpen = Opened(file);
        if (IsStopped) return false;
        if (!isOpen) return opener.ShouldLookAgain && options.PollInterval is null;
        positions.MakeRoom(2);
        try
        {
            bool isWhole = await ReadAsync(file);
            while (isWhole && opener.IsRotated)
            {
                if (!await WentOnAsync(file)) return opener.ShouldLookAgain;
                isWhole = await ReadAsync(file);
            }
            file.HasMore = !isWhole;
            if (isWhole && !file.IsBehind) file.Read = file.Found;
            return file.HasMore;
        }
        finally
        {
            reader.Close();
        }
    }

    private bool Opened(FollowedFile file)
    {
        try
        {
            if (!TryOutside(() => opener.Open(file), out bool isOpen)) return false;
            if (isOpen) return true;
            if (options.PollInterval is null && !paths.IsPattern && !opener.ShouldLookAgain)
                throw new FileNotFoundException(
                    $"The file {file.Path}, whose lines the producer '{name}' follows, does not exist. Make it, or set "
                        + "PollInterval (ResumableLinesOptions), and the source waits for it.");
            return false;
        }
        catch (Exception e) when (IsOfFile(e))
        {
            return Unreadable(file, e);
        }
    }

    private async ValueTask<bool> WentOnAsync(FollowedFile file)
    {
        try
        {
            if (!opener.MayGoOn(file)) return false;
            if (reader.Rest > 0) await TakeRestAsync(file);
            return TryOutside(() => opener.TryGoOn(file), out bool wentOn) && wentOn;
        }
        catch (Exception e) when (IsOfFile(e))
        {
            return Unreadable(file, e);
        }
    }

    private static bool IsOfFile(Exception e) => e is IOException or UnauthorizedAccessException or InvalidDataException;

    private bool Unreadable(FollowedFile file, Exception why)
    {
        if (options.PollInterval is null) throw Failure(why);
        file.HasMore = false;
        if (file.Warning != why.Message) watch.Warn($"{file.Path} cannot be read, and is tried again: {file.Warning = why.Message}");
        return false;
    }

    /// <returns>Whether the file was read to its end.</returns>
    private async ValueTask<bool> ReadAsync(FollowedFile file)
    {
        byte[]? around = null;
        for (int lines = 0; lines < MaxLines; lines++)
        {
            if (IsStopped || !Took()) return !IsStopped;
            LogRow before = reader.Before;
            bool isLine = TryMake(file, out T item, out string why);
            around ??= Enter(file, before, isLine);
            positions.Set(reader.Row);
            if (!isLine) await BuryAsync(around, why);
            else
            {
                if (burying is not null) await BuriedAsync();
                if (isResumed) produced.Add(emitted, new(around, before, reader.Row), Tickets);
                emitted++;
                Interlocked.Increment(ref open);
                await Flushed(EmitAsync(item));
            }
        }
        return false;
    }

    private bool Took()
    {
        MayGoOutside();
        if (!GoOutside()) return false;
        bool hasLine;
        try
        {
            hasLine = reader.TryTake();
        }
        catch (Exception e)
        {
            ComeBack();
            throw Failure(e);
        }
        return ComeBack() && hasLine;
    }

    /// <returns>The part of the position that is the same for all lines of this visit.</returns>
    private byte[] Enter(FollowedFile file, in LogRow before, bool isLine)
    {
        if (isFirst) Begin(file, before, isLine);
        positions.Enter(before);
        return positions.Around(file.Id);
    }

    /// <summary>
    /// Resets the count of accepted outputs of a line if that line, which an earlier run had started, is gone: the count must not apply to
    /// another line.
    /// </summary>
    private void Begin(FollowedFile file, in LogRow before, bool isLine)
    {
        isFirst = false;
        if (positions.Current is not { } current || (isLine && current.File == file.Id && current.Offset == before.Offset
            && !opener.HasLost)) return;
        emitted++;
        Interlocked.Increment(ref open);
        PassOver();
    }

    private bool TryMake(FollowedFile file, out T item, out string why)
    {
        (item, why) = (default!, "");
        long number = reader.Row.Line;
        try
        {
            if (reader.IsTooLong)
                why = $"The line has {reader.LineLength:N0} bytes, and the longest may have {options.MaxLineLength:N0} (MaxLineLength). "
                    + $"Its beginning is kept.";
            else item = select(new(file.Path, number, Strict.GetString(reader.Line.Span)));
        }
        catch (DecoderFallbackException e)
        {
            why = $"not UTF-8 from byte {e.Index + 1} of the line on";
        }
        catch (Exception e)
        {
            why = FailureText.Of(e);
        }
        if (why.Length == 0) return true;
        why = $"{file.Path}, line {number}: {why}";
        return false;
    }

    private Produced? Find(long sequence) => produced.TryFind(sequence, out Produced found) ? found : null;

    private void OnItemEnded()
    {
        if (Interlocked.Decrement(ref open) == 0) WakeUp();
    }
}
