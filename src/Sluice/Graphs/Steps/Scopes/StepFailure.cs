using Sluice.Graphs;

namespace Sluice.Diagnostics;

/// <summary>A failure that was not awaited.</summary>
/// <param name="Step">The step that failed first.</param>
/// <param name="Exception">The exception of the step.</param>
public sealed record StepFailure(string Step, Exception Exception)
{
    /// <summary>Describes the failure, for example <c>Upload failed: IOException: no space left</c>.</summary>
    public override string ToString() => $"{Step} failed: {Exception.GetType().Name}: {FailureText.MessageOf(Exception)}";
}
