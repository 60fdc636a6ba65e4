using Sluice.Diagnostics;

namespace Sluice;

/// <summary>Failures in words, for those who read of them later.</summary>
internal static class FailureText
{
    private const int MaxLength = 4000;              // stores keep no more of it

    public static DeadLetter Letter(PipelineException failure, int attempts, DateTimeOffset at)
        => new(failure.Node, failure.Item, Of(failure.InnerException!), attempts, at) { Exception = failure.InnerException };

    /// <summary>Type and message, also of what caused it: all that is left of a failure when its process has ended.</summary>
    public static string Of(Exception failure)
    {
        string text = $"{failure.GetType().Name}: {MessageOf(failure)}";
        if (failure.InnerException is null) return Shorten(text);
        var all = new StringBuilder(text);
        for (Exception? cause = failure.InnerException; cause is not null && all.Length <= MaxLength; cause = cause.InnerException)
            all.Append(" <- ").Append(cause.GetType().Name).Append(": ").Append(MessageOf(cause));
        return Shorten(all.ToString());
    }

    /// <summary>The message of an exception. An exception of the user's may fail to say it.</summary>
    public static string MessageOf(Exception failure)
    {
        try
        {
            return failure.Message ?? "";
        }
        catch (Exception e)
        {
            return $"(its Message threw {e.GetType().Name})";
        }
    }

    private static string Shorten(string text) => text.Length <= MaxLength ? text : text[..MaxLength];
}
