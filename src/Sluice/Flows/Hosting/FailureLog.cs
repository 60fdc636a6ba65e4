using System.Text.Json;

namespace Sluice.Flows;

/// <summary>
/// Formats a function's failure for the log: a first line that stands alone, then the stack frames of user code only. If the library has
/// refused something, the first line suffices.
/// </summary>
internal static class FailureLog
{
    private const int MaxFirstLine = 500;

    /// <param name="failure">The exception of the function.</param>
    /// <param name="error">The same failure as a text.</param>
    /// <param name="advice">The sentence about what to do about a failure of user code. A refusal has its own.</param>
    /// <param name="difference">A difference of declarations, which may be the cause; null if there is none.</param>
    public static string Of(Exception failure, string error, string advice, string? difference)
    {
        Exception? cause = failure;
        if (IsRefusal(failure))
            while (cause is JsonException || IsRefusal(cause)) cause = cause?.InnerException;
        string line = error.ReplaceLineEndings(" ");
        if (cause is null) return difference is null ? line : $"{line} {difference}";
        line = ShortText.Of(line, MaxFirstLine);
        return $"{line}{(line is [.., '.' or '!' or '?' or '…'] ? "" : ".")} {difference ?? advice}\n{cause}";
    }

    // The exact type: a derived one may wrap what user code has thrown in another process.
    private static bool IsRefusal(Exception? failure)
        => failure is NondeterministicReplayException or PayloadException or StreamStoreException
        || failure?.GetType() == typeof(FlowException);
}
