namespace Sluice.Producers;

/// <summary>
/// Finds lines with bytes that are not valid text: the decoder puts a mark in their place, as it may be several lines ahead.
/// </summary>
/// <remarks>
/// For one reader. The mark, U+FFFF, is no character, so lines hardly ever contain it; a line that does is refused only if bad bytes were
/// read.
/// </remarks>
internal sealed class BadBytes : DecoderFallback
{
    private const char Mark = '\uFFFF';

    private string encoding = "";
    private bool isFound;

    public override int MaxCharCount => 1;

    /// <summary>Returns a reader of a text. If the text begins with a byte order mark, the mark decides the encoding; if not, it is the
    /// given one.</summary>
    public StreamReader Read(Stream text, Encoding plain, bool leaveOpen = false)
        => new(text, new MarkedEncoding(plain, this), detectEncodingFromByteOrderMarks: false, leaveOpen: leaveOpen);

    /// <summary>The encoding with this instance as its decoder fallback.</summary>
    public Encoding In(Encoding plain)
    {
        encoding = plain.WebName.ToUpperInvariant();
        var watched = (Encoding)plain.Clone();
        watched.DecoderFallback = this;
        return watched;
    }

    /// <exception cref="InvalidDataException">The line has bad bytes.</exception>
    public void Check(string line, string? name, long number)
    {
        if (isFound && line.IndexOf(Mark, StringComparison.Ordinal) is >= 0 and int at)
            throw new InvalidDataException($"{(name is null ? "Line" : $"{name}, line")} {number}: not {encoding} at character {at + 1}.");
    }

    public override DecoderFallbackBuffer CreateFallbackBuffer() => new MarkBuffer(this);

    private sealed class MarkBuffer(BadBytes found) : DecoderFallbackBuffer
    {
        private bool isDue, isGiven;

        public override int Remaining => isDue ? 1 : 0;

        public override bool Fallback(byte[] bytesUnknown, int index)
        {
            (isDue, isGiven) = (true, false);
            return found.isFound = true;
        }

        public override char GetNextChar()
        {
            (isGiven, isDue) = (isDue, false);
            return isGiven ? Mark : '\0';
        }

        public override bool MovePrevious()
        {
            if (!isGiven) return false;
            (isDue, isGiven) = (true, false);
            return true;
        }

        public override void Reset() => (isDue, isGiven) = (false, false);
    }
}
