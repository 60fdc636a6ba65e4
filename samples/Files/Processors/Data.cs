namespace Files.Processors;

/// <summary>A file that was found: the how manieth, and where, from the directory that is looked through.</summary>
/// <param name="Number">From zero, without a gap.</param>
/// <param name="Path">With slashes.</param>
/// <param name="Trouble">Why it is none, if it is a directory that cannot be looked into.</param>
internal sealed record FoundFile(int Number, string Path, string? Trouble);

/// <summary>What is in a file, or why that is not known.</summary>
/// <param name="Number">The how manieth.</param>
/// <param name="Path">Where.</param>
/// <param name="Text">What is in it: until the next file is read, as it is written into the stream before.</param>
/// <param name="Trouble">Why it is not known.</param>
internal sealed record FileText(int Number, string Path, ReadOnlyMemory<byte> Text, string? Trouble);

/// <summary>How many words a file has; or why that is not known.</summary>
internal sealed record FileWords(int Number, string Path, long Words, string? Trouble);
