using System.Text;

namespace Airports;

/// <summary>Reads lines with their numbers, and never holds more of a line than a row can sensibly have.</summary>
internal sealed class PhysicalLines(TextReader text)
{
    /// <summary>Longest line, in characters, that is read; of a longer one only the fact is reported.</summary>
    public const int MaxLength = 64 * 1024;

    private readonly StringBuilder line = new();
    private int number;

    /// <summary>The next line and its number from 1, or null at the end of the text; the content is null when the line is too
    /// long.</summary>
    public (string? Content, int Number)? Next()
    {
        if (text.Peek() < 0) return null;
        line.Clear();
        number++;
        var tooLong = false;
        while (text.Read() is >= 0 and var character && character != '\n')
        {
            if (character == '\r')
            {
                if (text.Peek() == '\n') text.Read();
                break;
            }

            if (line.Length < MaxLength) line.Append((char)character);
            else tooLong = true;
        }

        return (tooLong ? null : line.ToString(), number);
    }
}
