using System.Text.Json;

namespace Sluice;

/// <summary>How a function has failed, for a log: with the frames of what the user's code has thrown, and without those of the library where that has refused something, as its message says what.</summary>
internal static class FailureLog
{
    /// <param name="failure">What came out of the function.</param>
    /// <param name="error">The same as a text.</param>
    public static string Of(Exception failure, string error)
    {
        if (!IsRefusal(failure)) return failure.ToString();
        Exception? cause = failure.InnerException;
        while (cause is JsonException || IsRefusal(cause)) cause = cause?.InnerException;
        return cause is null ? error : $"{error}\n{cause}";
    }

    // Not of every kind that is derived: what a user's code has thrown in another process is one.
    private static bool IsRefusal(Exception? failure)
        => failure is NondeterministicReplayException or PayloadException or StreamStoreException || failure?.GetType() == typeof(FlowException);
}
