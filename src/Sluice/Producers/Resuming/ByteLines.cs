namespace Sluice.Producers;

/// <summary>Reads the lines of a UTF-8 file from any line on, with the offset behind each.</summary>
/// <remarks>Not thread-safe. Lines end in LF, CR LF or CR; the last one may have no end.</remarks>
internal sealed class ByteLines : IDisposable
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly FileStream file;
    private readonly string path;
    private readonly int longest;
    private byte[] buffer = new byte[64 * 1024];
    private int start;
    private int end;
    private bool isAtEnd;
    private LinePosition position;                   // behind the last line taken

    /// <param name="path">The file.</param>
    /// <param name="from">The position behind the last accepted line.</param>
    /// <param name="isBegun">Whether a part of the line behind the position was accepted, too.</param>
    /// <param name="longest">The longest line, in bytes.</param>
    /// <exception cref="InvalidDataException">The file does not fit the position, is not UTF-8, or cannot seek.</exception>
    public ByteLines(string path, LinePosition from, bool isBegun, int longest)
    {
        (this.path, this.longest, position) = (path, longest, from);
        if (Directory.Exists(path)) throw new InvalidDataException(
            $"{path} is a directory. Give the path of a file, or read the files of a directory with Source.ResumableFiles.");
        file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        try
        {
            if (!file.CanSeek) throw new InvalidDataException(
                $"{path} cannot be read from an offset: pipe it into the process, and resume by line number.");
            Open(isBegun);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The position behind the last line taken.</summary>
    public LinePosition Position => position;

    /// <exception cref="InvalidDataException">The next line is too long, or not UTF-8; the message names file and line.</exception>
    public bool TryTake([NotNullWhen(true)] out string? line)
    {
        int length, behind;
        while (!FindEnd(out length, out behind))
        {
            if (isAtEnd)
            {
                line = null;
                return false;
            }
            Fill();
        }
        if (length > longest) throw TooLong();
        try
        {
            line = Strict.GetString(buffer, start, length);
        }
        catch (DecoderFallbackException e)
        {
            throw new InvalidDataException(
                $"{path}, line {position.Line + 1}: not UTF-8 from byte {e.Index + 1} of the line on "
                    + $"(offset {position.Offset + e.Index:N0}).", e);
        }
        position = position.Behind(buffer.AsSpan(start, behind));
        start += behind;
        return true;
    }

    public void Dispose() => file.Dispose();

    /// <returns>Whether a complete line is in the buffer, with its length and the start of the next line, relative to its own
    /// start.</returns>
    private bool FindEnd(out int length, out int behind)
    {
        ReadOnlySpan<byte> unread = buffer.AsSpan(start, end - start);
        length = unread.IndexOfAny((byte)'\n', (byte)'\r');
        if (length < 0)
        {
            if (unread.Length > longest) throw TooLong();
            length = behind = unread.Length;
            return isAtEnd && length > 0;
        }
        behind = length + 1;
        if (unread[length] == '\n') return true;
        if (behind == unread.Length) return isAtEnd;          // a CR: the next byte may be its LF
        if (unread[behind] == '\n') behind++;
        return true;
    }

    private void Fill()
    {
        if (start > 0)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, end) = (0, end - start);
        }
        if (end == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
        int count = file.Read(buffer, end, buffer.Length - end);
        isAtEnd = count == 0;
        end += count;
    }

    private void Open(bool isBegun)
    {
        byte[] bytes = new byte[position.Line > 0 ? position.Length : Encoding.UTF8.Preamble.Length];
        ReadOnlySpan<byte> head = bytes.AsSpan(0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
        if (position.Line == 0)
        {
            if (head is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
                throw new InvalidDataException($"{path} is UTF-16, by its first two bytes: convert it to UTF-8.");
            if (head.SequenceEqual(Encoding.UTF8.Preamble)) position = position.Behind(head) with { Line = 0 };
        }
        if (file.Length < position.Offset + (isBegun ? 1 : 0)
            || (position.Line > 0 && (head.Length < position.Length || Checksum.Of(head) != position.Sum)))
        {
            throw new InvalidDataException(
                $"{path} is not the file of which {position.Accepted(isBegun)} accepted before (offset {position.Offset:N0}): it was cut, "
                    + $"or replaced by another. Put that file back; or give the producer another name, to begin anew.");
        }
        if (position.Line == 0) file.Position = position.Offset;
        else SkipAddition();
    }

    // The last accepted line had no end perhaps, or a CR whose LF was not there yet: reads on from its last byte to its end.
    private void SkipAddition()
    {
        file.Position = position.Offset - 1;
        position = position with { Line = position.Line - 1 };
        int behind;
        while (!FindEnd(out _, out behind))
        {
            if (isAtEnd) throw new InvalidDataException($"{path} was cut while the source opened it.");
            Fill();
        }
        position = position.Behind(buffer.AsSpan(start + 1, behind - 1));
        start += behind;
    }

    private InvalidDataException TooLong()
        => new($"{path}, line {position.Line + 1} is longer than {longest} bytes. If that is meant, give a larger maxLineLength.");
}
