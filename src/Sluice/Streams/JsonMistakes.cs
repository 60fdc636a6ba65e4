using System.Text.Json;
using System.Text.RegularExpressions;

namespace Sluice;

/// <summary>Says what is wrong with a payload to whoever has sent it: they do not know the types of this program, and need not.</summary>
internal static partial class JsonMistakes
{
    /// <returns>The same mistake, at the same place.</returns>
    public static JsonException InPlainWords(JsonException mistake)
        => new(Required().Replace(Converted().Replace(mistake.Message, "The value is not of the type that belongs there."), "Members are missing: "),
            mistake.Path, mistake.LineNumber, mistake.BytePositionInLine, mistake);

    [GeneratedRegex(@"^The JSON value could not be converted to .+?\.(?= Path: |$)", RegexOptions.Singleline)]
    private static partial Regex Converted();

    [GeneratedRegex("^JSON deserialization for type '.+?' was missing required properties including: ", RegexOptions.Singleline)]
    private static partial Regex Required();
}
