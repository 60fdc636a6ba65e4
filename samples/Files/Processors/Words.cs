using System.Buffers;
using System.Text;

namespace Files.Processors;

/// <summary>Counts words: runs of characters that are no white space.</summary>
internal static class Words
{
    private static readonly SearchValues<byte> Plain = SearchValues.Create([.. Enumerable.Range(1, 127).Select(value => (byte)value)]);

    /// <returns>Whether it is text: UTF-8 without a zero byte. A byte order mark at its beginning is no word.</returns>
    public static bool TryCount(ReadOnlySpan<byte> text, out long words)
    {
        words = 0;
        if (text.StartsWith("\uFEFF"u8)) text = text[3..];
        bool isInWord = false;
        while (!text.IsEmpty)
        {
            int plain = text.IndexOfAnyExcept(Plain);
            foreach (byte character in plain < 0 ? text : text[..plain]) Add(char.IsWhiteSpace((char)character), ref words);
            if (plain < 0) break;
            text = text[plain..];
            if (Rune.DecodeFromUtf8(text, out Rune rune, out int length) != OperationStatus.Done || rune.Value == 0) return false;
            Add(Rune.IsWhiteSpace(rune), ref words);
            text = text[length..];
        }
        return true;

        void Add(bool isSpace, ref long count)
        {
            if (!isSpace && !isInWord) count++;
            isInWord = !isSpace;
        }
    }
}
