namespace Sluice;

/// <summary>Items as text, for messages.</summary>
internal static class ItemText
{
    private const int Longest = 200;

    /// <summary>The item as text, cut to a length fit for a message; a <c>ToString</c> that throws must not hide what the message is
    /// about.</summary>
    public static string Of(object? item)
    {
        if (item is null) return "null";
        string text;
        try
        {
            text = Convert.ToString(item, CultureInfo.InvariantCulture) ?? "";
        }
        catch (Exception e)
        {
            text = $"{item.GetType().Name} (its ToString threw {e.GetType().Name})";
        }
        return ShortText.Of(text, Longest);
    }
}
