namespace Sluice;

/// <summary>A failure that nobody has awaited.</summary>
/// <param name="Step">The step that failed first.</param>
/// <param name="Exception">What it has thrown.</param>
public sealed record StepFailure(string Step, Exception Exception)
{
    /// <summary>For example <c>Upload failed: IOException: no space left</c>.</summary>
    public override string ToString() => $"{Step} failed: {Exception.GetType().Name}: {FailureText.MessageOf(Exception)}";
}
