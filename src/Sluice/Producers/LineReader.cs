namespace Sluice.Producers;

/// <summary>Splits text into lines that end in LF, CR LF or CR, and refuses a line that is too long before it fills the memory.</summary>
/// <remarks>Not thread-safe: read, <see cref="Add"/>, take lines until there is none, read again.</remarks>
internal sealed class LineReader(TextReader text, string? name, BadBytes bad)
{
    private readonly char[] buffer = new char[8192];
    private readonly StringBuilder rest = new();     // the start of an incomplete line
    private int start;
    private int end;
    private int longest;
    private bool skipsLineFeed;

    /// <summary>The number of the last line taken, from 1.</summary>
    public long Number { get; private set; }

    public bool IsAtEnd { get; private set; }

    public TextReader Text => text;

    /// <summary>Begins a run, which takes the lines that earlier runs have read ahead, and then looks whether there is more.</summary>
    /// <param name="maxLineLength">In characters.</param>
    public void BeginRun(int maxLineLength) => (longest, IsAtEnd) = (maxLineLength, false);

    public int Read() => text.Read(buffer);

    public ValueTask<int> ReadAsync(CancellationToken cancellation) => text.ReadAsync(buffer, cancellation);

    /// <summary>Adds the characters that were just read; 0 means the end.</summary>
    public void Add(int count)
    {
        (start, end) = (0, count);
        IsAtEnd = count == 0;
    }

    /// <exception cref="InvalidDataException">The next line is too long, or has bad bytes.</exception>
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
        bad.Check(line, name, Number);
        return line;
    }

    private InvalidDataException TooLong() => new(
        $"{(name is null ? "Line" : $"{name}, line")} {Number + 1} is longer than {longest} characters. If that is meant, give a larger "
            + $"maxLineLength.");
}
