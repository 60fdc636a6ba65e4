namespace Sluice.Dashboard.Sampling;

/// <summary>What is kept and shown of exceptions.</summary>
internal static class Errors
{
    private const int MaxLength = 500;

    /// <summary>The message of an exception, cut to a length that fits; with its type, unless it is an exception of Sluice.</summary>
    public static string Text(Exception? failure)
    {
        if (failure is null) return "the log of the program says why.";
        try
        {
            return VisibleText.Shorten(failure is SluiceException ? failure.Message : $"{failure.GetType().Name}: {failure.Message}",
                MaxLength);
        }
        catch (Exception e)
        {
            return $"{failure.GetType().Name}, whose message cannot be read ({e.GetType().Name}).";
        }
    }
}
