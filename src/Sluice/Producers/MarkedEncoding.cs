namespace Sluice.Producers;

/// <summary>The encoding of a text that may begin with a byte order mark, with bad bytes reported in every encoding.</summary>
/// <remarks>A <see cref="StreamReader"/> can look for marks, too, but it then takes an encoding that replaces bad bytes silently. For one
/// reader.</remarks>
/// <param name="plain">The encoding of a text without a mark.</param>
/// <param name="bad">Finds the lines with bad bytes.</param>
internal sealed class MarkedEncoding(Encoding plain, BadBytes bad) : UTF8Encoding(encoderShouldEmitUTF8Identifier: false)
{
    private const int MaxMark = 4;

    // UTF-32 before UTF-16: their marks begin alike.
    private static readonly Encoding[] Marked =
        [UTF32, new UTF32Encoding(bigEndian: true, byteOrderMark: true), UTF8, Unicode, BigEndianUnicode];

    public override int GetMaxCharCount(int byteCount)
        => Math.Max(base.GetMaxCharCount(byteCount + MaxMark), plain.GetMaxCharCount(byteCount + MaxMark));

    public override Decoder GetDecoder() => new MarkDecoder(plain, bad);

    private sealed class MarkDecoder(Encoding plain, BadBytes bad) : Decoder
    {
        private readonly byte[] first = new byte[MaxMark];
        private int held;
        private Decoder? chosen;

        public override int GetChars(ReadOnlySpan<byte> bytes, Span<char> chars, bool flush)
            => chosen is not null ? chosen.GetChars(bytes, chars, flush) : GetFirst(bytes, chars, flush);

        public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex, bool flush)
            => GetChars(bytes.AsSpan(byteIndex, byteCount), chars.AsSpan(charIndex), flush);

        public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex)
            => GetChars(bytes, byteIndex, byteCount, chars, charIndex, flush: false);

        public override int GetCharCount(byte[] bytes, int index, int count)
            => throw new NotSupportedException("A reader does not count the characters of bytes.");

        private int GetFirst(ReadOnlySpan<byte> bytes, Span<char> chars, bool flush)
        {
            if (held + bytes.Length == 0) return 0;                              // the stream may grow, and the next run read on
            int taken = Math.Min(MaxMark - held, bytes.Length);
            bytes[..taken].CopyTo(first.AsSpan(held));
            held += taken;
            bytes = bytes[taken..];
            ReadOnlySpan<byte> start = first.AsSpan(0, held);
            if (!flush && MayBecomeMark(start)) return 0;
            (Encoding encoding, int mark) = Find(start);
            chosen = bad.In(encoding).GetDecoder();
            int count = chosen.GetChars(start[mark..], chars, flush && bytes.IsEmpty);
            return bytes.IsEmpty ? count : count + chosen.GetChars(bytes, chars[count..], flush);
        }

        private static bool MayBecomeMark(ReadOnlySpan<byte> start)
        {
            foreach (Encoding one in Marked)
                if (start.Length < one.Preamble.Length && one.Preamble.StartsWith(start)) return true;
            return false;
        }

        private (Encoding Encoding, int Mark) Find(ReadOnlySpan<byte> start)
        {
            foreach (Encoding one in Marked)
                if (start.StartsWith(one.Preamble)) return (one, one.Preamble.Length);
            return (plain, 0);
        }
    }
}
