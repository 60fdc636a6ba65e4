namespace Sluice;

/// <summary>Failures in words, for those who read of them later.</summary>
internal static class FailureText
{
    public static DeadLetter Letter(PipelineException failure, int attempts, DateTimeOffset at)
        => new(failure.Node, failure.Item, Of(failure.InnerException!), attempts, at) { Exception = failure.InnerException };

    /// <summary>Type and message, also of what caused it: all that is left of a failure when its process has ended.</summary>
    public static string Of(Exception failure)
    {
        string text = $"{failure.GetType().Name}: {failure.Message}";
        for (Exception? cause = failure.InnerException; cause is not null; cause = cause.InnerException)
            text += $" <- {cause.GetType().Name}: {cause.Message}";
        return text;
    }
}
