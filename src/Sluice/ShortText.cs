namespace Sluice;

/// <summary>Cuts long texts, for messages.</summary>
internal static class ShortText
{
    /// <summary>The text; a longer one is cut, and ends with an ellipsis.</summary>
    public static string Of(string text, int maxLength)
        => text.Length <= maxLength ? text : string.Concat(text.AsSpan(0, maxLength), "…");
}
