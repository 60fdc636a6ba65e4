using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Sluice;

/// <summary>Cuts text into lines that end in LF, CR LF or CR, and refuses lines that are too long before they fill the memory.</summary>
/// <remarks>One user at a time: read, <see cref="Add"/>, take lines until there is none, read again.</remarks>
internal sealed class LineReader(TextReader text, string? name, int longest, BadBytes? bad)
{
    private readonly char[] buffer = new char[8192];
    private readonly StringBuilder rest = new();     // the beginning of a line whose end has not been read
    private int start;
    private int end;
    private bool skipsLineFeed;

    /// <summary>The number of the line taken last, from 1.</summary>
    public long Number { get; private set; }

    public bool IsAtEnd { get; private set; }

    public int Read() => text.Read(buffer);

    public ValueTask<int> ReadAsync(CancellationToken cancellation) => text.ReadAsync(buffer, cancellation);

    /// <summary>What has been read: a number of characters, 0 for the end.</summary>
    public void Add(int count)
    {
        (start, end) = (0, count);
        IsAtEnd = count == 0;
    }

    /// <exception cref="InvalidDataException">The next line is too long, or has bytes that are no text.</exception>
    public bool TryTake([NotNullWhen(true)] out string? line)
    {
        if (skipsLineFeed && start < end)
        {
            if (buffer[start] == '\n') start++;
            skipsLineFeed = false;
        }
        ReadOnlySpan<char> unread = buffer.AsSpan(start, end - start);
        int length = unread.IndexOfAny('\r', '\n');
        if (rest.Length + (length < 0 ? unread.Length : length) > longest) throw TooLong();
        if (length < 0)
        {
            rest.Append(unread);
            start = end;
            line = IsAtEnd && rest.Length > 0 ? Finish(default) : null;
            return line is not null;
        }
        skipsLineFeed = unread[length] == '\r';
        start += length + 1;
        line = Finish(unread[..length]);
        return true;
    }

    public void Close() => text.Dispose();

    private string Finish(ReadOnlySpan<char> tail)
    {
        Number++;
        string line = rest.Length == 0 ? tail.ToString() : rest.Append(tail).ToString();
        rest.Clear();
        bad?.Check(line, name, Number);
        return line;
    }

    private InvalidDataException TooLong() => new(
        $"{(name is null ? "Line" : $"{name}, line")} {Number + 1} is longer than {longest} characters. If that is meant, give a larger maxLineLength.");
}
