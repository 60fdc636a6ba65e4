namespace Sluice.ChildProcesses;

/// <summary>The versions of the protocol of child processes.</summary>
/// <remarks>
/// The parent says the newest version that it speaks in the environment of the child. The child speaks the newest one that both know, and
/// says it in its <see cref="Hello"/>. A parent and a child that are too old to say a version speak version 1.
/// </remarks>
internal static class ProtocolVersion
{
    /// <summary>The environment variable with the newest version of the parent, a decimal number; the child removes it.</summary>
    public const string Variable = "SLUICE_PROTOCOL";

    /// <summary>The version of sides that say none.</summary>
    public const long Unsaid = 1;

    /// <summary>The oldest version that this library speaks.</summary>
    public const long Oldest = 1;

    /// <summary>The newest version that this library speaks.</summary>
    public const long Newest = 1;

    /// <summary>The version of this library's package, as a package manager wants it.</summary>
    public static string Package { get; } = typeof(ProtocolVersion).Assembly.GetName().Version!.ToString(3);

    /// <summary>Chooses the version that a child speaks.</summary>
    /// <param name="parents">What the parent has said in the environment; null if nothing.</param>
    /// <param name="oldest">The oldest version of the child.</param>
    /// <param name="newest">The newest version of the child.</param>
    /// <exception cref="InvalidOperationException">There is no version that both speak; the message says what to do.</exception>
    public static long Choose(string? parents, long oldest = Oldest, long newest = Newest)
    {
        long theirs = Unsaid;
        if (parents is not null && !long.TryParse(parents, NumberStyles.None, CultureInfo.InvariantCulture, out theirs))
            throw new InvalidOperationException($"The environment variable {Variable} is damaged: it is no number.");
        if (theirs >= oldest) return Math.Min(theirs, newest);
        throw new InvalidOperationException(
            $"The service that has started this process speaks the protocol of child processes up to version {theirs}, and this program "
                + $"(Sluice {Package}) speaks {Range(oldest, newest)}. Update the NuGet package Sluice of the service, or build this "
                + $"program with the service's version of the package.");
    }

    /// <summary>Says why a parent cannot speak with a child, and what to do; null if it can.</summary>
    /// <param name="childs">The version that the child has said.</param>
    /// <param name="remedy">What to do about the child, as the begin of a sentence.</param>
    public static string? Refusal(long childs, string remedy) => childs is >= Oldest and <= Newest ? null
        : $"The child process speaks version {childs} of the protocol of child processes, and this service (Sluice {Package}) speaks "
            + $"{Range(Oldest, Newest)}. {remedy}{(childs > Newest ? ", or update the NuGet package Sluice of the service" : "")}.";

    private static string Range(long oldest, long newest) => oldest == newest ? $"version {oldest}" : $"versions {oldest} to {newest}";
}
