using Sluice.Policies;

namespace Sluice.ChildProcesses;

/// <summary>How the children of one owner are started.</summary>
/// <param name="Path">The program to start, or a <c>.dll</c> for <c>dotnet</c>; null for this program.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Variable">The environment variable for the token; it tells the child which work is meant.</param>
/// <param name="StartTimeout">The time until a child connects, in real time; then it is killed.</param>
/// <param name="KeptErrors">How many of the last lines of its standard error are kept for messages.</param>
internal sealed record ChildProgram(string? Path, IReadOnlyList<string> Arguments, string Variable, TimeSpan StartTimeout,
    int KeptErrors = 0)
{
    /// <summary>Environment variables of the child in addition to those of this process; null removes one.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>What to do about a child of another version of the library, as the begin of a sentence.</summary>
    public string VersionRemedy { get; init; } =
        $"Build the child's program with version {ProtocolVersion.Package} of the NuGet package Sluice";

    /// <summary>How a child has ended that did not ask for work, as the begin of a sentence.</summary>
    public string HowItFailed(ChildStartFailure failure)
        => failure.HowItEnded is { } how ? $"A child process has ended before it asked for work, with {how}"
            : $"A child process had not asked for work after {DurationText.Of(StartTimeout)}, and was killed";
}
