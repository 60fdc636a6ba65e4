namespace Sluice.Tests;

/// <summary>How often a test repeats: few times in <c>./test</c>, and all in <c>./test --long</c>, which sets <c>SLUICE_LONG</c>.</summary>
internal static class Repetitions
{
    public static bool AreAll { get; } = Environment.GetEnvironmentVariable("SLUICE_LONG") is { Length: > 0 };

    public static int Of(int few, int all) => AreAll ? all : few;
}
