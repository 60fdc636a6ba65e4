using System.Text.Json;

namespace Sluice.Flows;

/// <summary>
/// Formats a function's failure for the log, with the stack frames of user code only. If the library has refused something, the message
/// suffices.
/// </summary>
internal static class FailureLog
{
    /// <param name="failure">The exception of the function.</param>
    /// <param name="error">The same failure as a text.</param>
    public static string Of(Exception failure, string error)
    {
        if (!IsRefusal(failure)) return failure.ToString();
        Exception? cause = failure.InnerException;
        while (cause is JsonException || IsRefusal(cause)) cause = cause?.InnerException;
        return cause is null ? error : $"{error}\n{cause}";
    }

    // The exact type: a derived one may wrap what user code has thrown in another process.
    private static bool IsRefusal(Exception? failure)
        => failure is NondeterministicReplayException or PayloadException or StreamStoreException
        || failure?.GetType() == typeof(FlowException);
}
