namespace Sluice.Torture;

/// <summary>Opens what the processes of a case share, one after the other.</summary>
internal static class Stores
{
    public static Task<IStreamStore> OpenAsync(string directory, Case @case)
        => throw new NotSupportedException($"{directory} {@case}");
}
