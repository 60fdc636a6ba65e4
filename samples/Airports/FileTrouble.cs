namespace Airports;

/// <summary>Says in a few plain words why a file could not be opened, read or written.</summary>
internal static class FileTrouble
{
    public static string Describe(Exception cause) => cause switch
    {
        FileNotFoundException => "there is no such file",
        DirectoryNotFoundException => "there is no such directory",
        UnauthorizedAccessException => "access is denied",
        PathTooLongException => "its name is too long",
        _ => cause.Message.TrimEnd('.'),
    };
}
