using Microsoft.Win32.SafeHandles;

namespace Sluice.Producers;

/// <summary>Reads the complete lines of one file after the other, each from the offset of a row on, with one buffer for all.</summary>
/// <remarks>
/// Used by one pump. A line ends with LF or CR LF. Bytes without a line end stay unread. The open handle pins the file: renaming it does
/// not disturb the read.
/// </remarks>
internal sealed class LogReader(int longest)
{
    private const int SmallestSkip = 4096;
    private const int MaxKept = 64 * 1024;
    private const int MaxUnended = 64;

    private readonly Dictionary<UInt128, UnendedLine> unended = [];                // of files that were closed in the middle of a long line

    private SafeFileHandle? file;
    private byte[] buffer = new byte[64 * 1024];
    private int start;                               // start of the next line
    private int scanned;                             // there is no line end before this index
    private int end;
    private long readTo;                             // the file's offset at `end`
    private byte[]? kept;                            // the beginning of a line that is too long
    private long skipped;                            // bytes of that line before `start`

    /// <summary>The row behind the last line taken.</summary>
    public LogRow Row { get; private set; }

    /// <summary>The row before the last line taken. Its head covers that line, so that it recognises the file with the line.</summary>
    public LogRow Before { get; private set; }

    /// <summary>
    /// The bytes of the last line taken, without its end; for a line that is too long, its beginning. Valid until the next call.
    /// </summary>
    public ReadOnlyMemory<byte> Line { get; private set; }

    /// <summary>The length of the last line taken, in bytes, with its end.</summary>
    public long LineLength { get; private set; }

    /// <summary>Whether the last line taken is longer than allowed.</summary>
    public bool IsTooLong { get; private set; }

    /// <summary>The number of bytes behind the last line end.</summary>
    public long Rest => skipped + (end - start);

    /// <summary>Opens a file if it is the file of the row.</summary>
    /// <remarks>
    /// A file that was empty in the scan has no line to take, and is not opened: pipes and devices have no length, and the opening of a
    /// pipe waits for its writer.
    /// </remarks>
    /// <exception cref="InvalidDataException">It is UTF-16, or cannot be read from an offset.</exception>
    public bool TryOpen(in FoundFile found, in LogRow row)
    {
        Close();
        if (found.Length == 0)
        {
            if (row.HeadLength > 0) return false;
            Row = row with { Written = found.Written.Ticks };
            return true;
        }
        SafeFileHandle opened = File.OpenHandle(found.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        bool isIt = false;
        try
        {
            isIt = IsFileOf(opened, found.Path, row);
        }
        finally
        {
            if (!isIt) opened.Dispose();
        }
        if (!isIt) return false;
        (file, Row) = (opened, row with { Written = found.Written.Ticks });
        if (unended.Remove(row.File, out UnendedLine? line) && line.Offset == row.Offset) GoOn(line);
        return true;
    }

    /// <summary>The first bytes of a file, at most 256; none if it cannot be read.</summary>
    public static byte[] HeadOf(in FoundFile found)
    {
        if (found.Length == 0) return [];            // may be a pipe, as above
        try
        {
            using SafeFileHandle opened = File.OpenHandle(found.Path, FileMode.Open, FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete);
            byte[] head = new byte[LogRow.Sampled];
            return head[..Read(opened, head, 0)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return [];
        }
    }

    /// <summary>Takes the next line that has an end.</summary>
    public bool TryTake()
    {
        while (true)
        {
            int at = buffer.AsSpan(scanned, end - scanned).IndexOf((byte)'\n');
            if (at >= 0)
            {
                Take(scanned + at, scanned + at + 1);
                return true;
            }
            scanned = end;
            if (end - start > Math.Max(longest, SmallestSkip)) Skip();
            if (!Fill()) return false;
        }
    }

    /// <summary>Takes the bytes behind the last line end, as if they were a line.</summary>
    public void TakeRest() => Take(end, end);

    public void Close()
    {
        if (kept is not null && file is not null)
        {
            if (unended.Count == MaxUnended) unended.Clear();          // some may be of files that are gone

            int tail = Math.Min(start, LogRow.Sampled);
            unended[Row.File] = new(Row.Offset, kept, skipped, tail, Checksum.Of(buffer.AsSpan(start - tail, tail)));
        }
        file?.Dispose();
        (file, kept, skipped, start, scanned, end, Line) = (null, null, 0, 0, 0, 0, default);
    }

    private bool IsFileOf(SafeFileHandle opened, string path, in LogRow row)
    {
        long length;
        try
        {
            length = RandomAccess.GetLength(opened);
        }
        catch (NotSupportedException e)
        {
            throw new InvalidDataException(
                $"{path} cannot be read from an offset: it is no regular file. Pipe it into the process, and use Source.ResumableInput.",
                    e);
        }
        if (length < row.Offset) return false;
        if (Read(opened, buffer.AsSpan(0, row.HeadLength), 0) < row.HeadLength
            || Checksum.Of(buffer.AsSpan(0, row.HeadLength)) != row.HeadSum) return false;
        int tail = row.TailLength;
        if (Read(opened, buffer.AsSpan(0, tail), row.Offset - tail) < tail
            || (tail > 0 && Checksum.Of(buffer.AsSpan(0, tail)) != row.TailSum)) return false;
        start = scanned = end = tail;
        readTo = row.Offset;
        if (row.Offset > 0) return true;
        end = Read(opened, buffer, 0);
        readTo = end;
        if (buffer.AsSpan(0, end) is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
            throw new InvalidDataException($"{path} is UTF-16, by its first two bytes: convert it to UTF-8.");
        return true;
    }

    /// <summary>Goes on in a line of which the beginning was dropped. Otherwise each poll reads all of a file without line
    /// ends.</summary>
    private void GoOn(UnendedLine line)
    {
        Span<byte> tail = stackalloc byte[line.TailLength];
        long at = line.Offset + line.Skipped;
        if (Read(file!, tail, at - line.TailLength) < line.TailLength || Checksum.Of(tail) != line.TailSum) return;
        tail.CopyTo(buffer);
        start = scanned = end = line.TailLength;
        (readTo, kept, skipped) = (at, line.Kept, line.Skipped);
    }

    private static int Read(SafeFileHandle from, Span<byte> into, long offset)
    {
        int read = 0;
        while (read < into.Length && RandomAccess.Read(from, into[read..], offset + read) is > 0 and var count) read += count;
        return read;
    }

    private void Take(int stop, int behind)
    {
        LineLength = skipped + (behind - start);
        Before = Row.HeadLength < LogRow.Sampled ? Row.Seeing(Lines(behind)) : Row;
        int tail = (int)Math.Min(Row.Offset + LineLength, LogRow.Sampled);
        Row = Before.Behind(LineLength, buffer.AsSpan(behind - tail, tail));
        ReadOnlyMemory<byte> line = kept ?? buffer.AsMemory(start, stop - start);
        if (kept is null && line.Span is [.., (byte)'\r']) line = line[..^1];
        if (Before.Offset == 0 && line.Span.StartsWith(Encoding.UTF8.Preamble)) line = line[3..];
        IsTooLong = (kept is null ? line.Length : LineLength) > longest;
        (Line, kept, skipped) = (line, null, 0);
        start = scanned = behind;
    }

    /// <summary>The complete lines that were read, from the one that is taken on.</summary>
    private ReadOnlySpan<byte> Lines(int behind)
        => kept ?? buffer.AsSpan(start, behind - start + buffer.AsSpan(behind, end - behind).LastIndexOf((byte)'\n') + 1);

    /// <summary>Drops a line that is too long, except its beginning.</summary>
    private void Skip()
    {
        kept ??= buffer.AsSpan(start, Math.Min(end - start, MaxKept)).ToArray();
        skipped += end - start;
        start = scanned = end;
    }

    private bool Fill()
    {
        if (file is null) return false;
        if (end == buffer.Length)
        {
            int from = Math.Max(0, start - LogRow.Sampled);
            if (from == 0 && start < buffer.Length / 2) Array.Resize(ref buffer, buffer.Length * 2);
            else
            {
                buffer.AsSpan(from, end - from).CopyTo(buffer);
                (start, scanned, end) = (start - from, scanned - from, end - from);
            }
        }
        int count = RandomAccess.Read(file, buffer.AsSpan(end), readTo);
        end += count;
        readTo += count;
        return count > 0;
    }

    /// <summary>A line that is too long, as far as it was read.</summary>
    /// <param name="Offset">Where it begins in the file.</param>
    /// <param name="Kept">Its beginning.</param>
    /// <param name="Skipped">The bytes of it that were read.</param>
    /// <param name="TailLength">The number of bytes that <paramref name="TailSum"/> covers: the last of those read.</param>
    /// <param name="TailSum">Their checksum: other bytes mean that the file was written anew.</param>
    private sealed record UnendedLine(long Offset, byte[] Kept, long Skipped, int TailLength, uint TailSum);
}
